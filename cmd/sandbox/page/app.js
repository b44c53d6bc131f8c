/**
 * Starts the page.
 * @module
 */
import { followToGitLab } from './leads.js';
import { Page } from './page.js';
import { startTheme } from './theme.js';
import { startClocks } from './time.js';

startTheme();
startClocks();
const page = new Page();
document.addEventListener('click', (event) => followToGitLab(event, page), true);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open]')) page.closeOne();
});
page.start();
