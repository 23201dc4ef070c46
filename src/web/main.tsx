/**
 * Starts the page.
 */
import { watchForToken } from './api/access.js';
import { render } from './preact.js';
import { Page } from './shell/page.js';
import { startClock } from './state/clock.js';
import { watchRoute } from './state/route.js';
import { watchScreen } from './state/screen.js';
import { startSync } from './state/sync.js';
import { watchTheme } from './state/theme.js';
import { guardUploads } from './state/upload-queue.js';

watchForToken();
watchRoute();
watchTheme();
watchScreen();
startClock();
guardUploads();
startSync();
render(<Page />, document.getElementById('page') ?? document.body);
