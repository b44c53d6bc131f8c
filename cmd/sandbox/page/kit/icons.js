/**
 * The kit's own icons: 16 x 16, in the colour of the text around them, and only decoration.
 * @module
 */
import { html, svg } from '../vendor/lit-html.js';

const shapes = {
  down: svg`<path d="m3.5 6 4.5 4.5L12.5 6"/>`,
  close: svg`<path d="m3.5 3.5 9 9M12.5 3.5l-9 9"/>`,
  back: svg`<path d="M13.5 8h-11M7 3.5 2.5 8 7 12.5"/>`,
  check: svg`<path d="m3 8.5 3.5 3.5L13 4.5"/>`,
  more: svg`<path d="M3 8v.01M8 8v.01M13 8v.01" stroke-width="2.4"/>`,
  warn: svg`<path d="M8 2 15 14H1zM8 6.5v3.3M8 11.8v.01"/>`,
  up: svg`<path d="M5 7v6.5H2.5V7zm0 .5L7.5 2c1.2 0 2 .9 1.7 2.2L8.7 6.5h4.1c.8 0 1.4.7 1.2 1.5l-1 4.5c-.2.6-.7 1-1.3 1H5"/>`,
  outside: svg`<path d="M6.5 3.5h-3v9h9v-3M9 3h4v4M13 3 7.5 8.5"/>`,
  play: svg`<path d="M5 3v10l8-5z"/>`,
  trash: svg`<path d="M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.7 9h6.6l.7-9"/>`,
};

/** @param {keyof typeof shapes} name */
export const icon = (name) => html`<svg class="kit-icon" viewBox="0 0 16 16" aria-hidden="true">${shapes[name]}</svg>`;

/** Turns while something is under way; the words for it stand elsewhere. */
export const spinner = html`<span class="kit-spinner" aria-hidden="true"></span>`;
