#!/usr/bin/env node
'use strict';
// Set before anything starts libuv's thread pool, hence a late require.
process.env.UV_THREADPOOL_SIZE ??= '16';
void require('../dist/bin/main.js').main();
