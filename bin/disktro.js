#!/usr/bin/env node
'use strict';
// Set before anything starts libuv's thread pool, hence CommonJS and a late import.
process.env.UV_THREADPOOL_SIZE ??= '16';
void import('../dist/src/cli/main.js').then((cli) => cli.main());
