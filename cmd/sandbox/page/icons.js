/**
 * The page's own icons: 20 x 20, drawn with the colour of the text around them. They are decoration; a button
 * that shows one has its words in aria-label.
 * @module
 */
import { html, svg } from './vendor/lit-html.js';

const shapes = {
  hash: svg`<path d="M8 3 6.5 17M13.5 3 12 17M3.5 7.5h13.5M3 12.5h13.5"/>`,
  lock: svg`<rect x="4.5" y="9" width="11" height="8" rx="1.5"/><path d="M7 9V6.5a3 3 0 0 1 6 0V9"/>`,
  people: svg`<circle cx="7.5" cy="7" r="3"/><path d="M2.5 16.5c0-3 2-5 5-5s5 2 5 5M13 4.5a3 3 0 0 1 0 5M14.5 11.7c2 .6 3 2.4 3 4.8"/>`,
  home: svg`<path d="m3 9.5 7-6 7 6M5 8v8.5h10V8M8.5 16.5v-5h3v5"/>`,
  chat: svg`<path d="M3 4.5h14v9.5H9.5L6 17.2V14H3z"/>`,
  pipeline: svg`<circle cx="4.5" cy="10" r="2"/><circle cx="15.5" cy="5" r="2"/><circle cx="15.5" cy="15" r="2"/><path d="M6.5 10H10M13.5 5h-1a2.5 2.5 0 0 0-2.5 2.5v5a2.5 2.5 0 0 0 2.5 2.5h1"/>`,
  bolt: svg`<path d="M11.5 2.5 4.5 11.5h5l-1 6 7-9h-5z"/>`,
  send: svg`<path d="m3.5 4 13.5 6-13.5 6 2-6zM5.5 10H11"/>`,
  close: svg`<path d="m5 5 10 10M15 5 5 15"/>`,
  reply: svg`<path d="M3 4.5h14v9.5H9.5L6 17.2V14H3zM7 8h6M7 10.8h4"/>`,
  more: svg`<path d="M10 4.5v.01M10 10v.01M10 15.5v.01" stroke-width="2.6"/>`,
  eye: svg`<path d="M2 10c2-3.7 4.7-5.5 8-5.5s6 1.8 8 5.5c-2 3.7-4.7 5.5-8 5.5S4 13.7 2 10z"/><circle cx="10" cy="10" r="2.5"/>`,
  branch: svg`<circle cx="6" cy="4.5" r="1.8"/><circle cx="6" cy="15.5" r="1.8"/><circle cx="14" cy="6.5" r="1.8"/><path d="M6 6.3v7.4M14 8.3c0 3-3.5 3.2-8 3.7"/>`,
  tag: svg`<path d="M3.5 3.5H10l6.5 6.5L10 16.5 3.5 10z"/><path d="M7 7v.01" stroke-width="2.4"/>`,
  down: svg`<path d="m5 7.5 5 5 5-5"/>`,
  arrow: svg`<path d="M10 4v12M5 11l5 5 5-5"/>`,
  play: svg`<path d="M6 4v12l10-6z"/>`,
  retry: svg`<path d="M15.5 6.5A6.5 6.5 0 1 0 16.5 10M16 2.8v4h-4"/>`,
  cancel: svg`<circle cx="10" cy="10" r="7"/><path d="m5.2 5.2 9.6 9.6"/>`,
  trash: svg`<path d="M3.5 5.5h13M8 5.5V3.5h4v2M5 5.5l.8 11h8.4l.8-11M8.5 8.5v5M11.5 8.5v5"/>`,
  warn: svg`<path d="M10 3 18 17H2zM10 8v4.5M10 14.8v.01"/>`,
  check: svg`<path d="m4 10.5 4 4 8-9"/>`,
  copy: svg`<rect x="7" y="7" width="9.5" height="9.5" rx="1.5"/><path d="M4.5 13H3.5V3.5H13v1"/>`,
  // The app's own glyph: a pipe with a bend.
  pipe: svg`<path d="M3 6.5h5.5a3.5 3.5 0 0 1 3.5 3.5v7M3 3.5v6M9 17h6M15.5 3.5v3M14 5h3" stroke-width="1.9"/>`,
};

/** @param {keyof typeof shapes} name */
export const icon = (name) => html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true">${shapes[name]}</svg>`;

const glyphs = {
  success: svg`<path d="m5 8.2 2.2 2.2L11 6"/>`,
  warning: svg`<path d="M8 4.5v4.2M8 11.2v.01"/>`,
  failed: svg`<path d="m5.7 5.7 4.6 4.6M10.3 5.7l-4.6 4.6"/>`,
  running: svg`<path class="turning" d="M8 4.5a3.5 3.5 0 1 1-3.5 3.5"/>`,
  pending: svg`<path d="M6.5 5.5v5M9.5 5.5v5"/>`,
  canceled: svg`<path d="m4.8 11.2 6.4-6.4"/>`,
  skipped: svg`<path d="m5.5 5.5 2.5 2.5-2.5 2.5M8.5 5.5 11 8l-2.5 2.5"/>`,
  manual: svg`<path d="M6.5 5.2v5.6L11 8z"/>`,
  created: svg`<circle cx="8" cy="8" r="1.2"/>`,
};

/**
 * A status of GitLab as a small ring with a sign in it, in the colour of its kind.
 * @param {string} look a kind that lookOf of status.js answers
 */
export const statusIcon = (look) =>
  html`<svg class="status-icon look-${look}" viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="7"/>${glyphs[look]}</svg>`;
