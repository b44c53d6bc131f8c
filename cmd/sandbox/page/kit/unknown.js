/**
 * What the sandbox does not draw, so that nothing an app sends is missing without a word.
 * @module
 */
import { html } from '../vendor/lit-html.js';

/**
 * @param {'Block'|'Element'|'Attachment'} what
 * @param {Object} object
 */
export const unknown = (what, object) => html`<details class="kit-unknown">
  <summary>${what} type the sandbox does not draw: ${object?.type ?? 'none'}</summary>
  <pre class="kit-pre" tabindex="0">${JSON.stringify(object, null, 2)}</pre>
</details>`;

/**
 * What an app sends may be other than documented: then it is shown as it is, and the page goes on.
 *
 * @param {'Block'|'Attachment'} what
 * @param {Object} object
 * @param {() => *} draw
 */
export function guarded(what, object, draw) {
  try {
    return draw();
  } catch {
    return unknown(what, object);
  }
}
