/**
 * What the app did that the real Slack would not take.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';

/** @param {import('./page.js').Page} page */
export function violations(page) {
  const list = page.store.workspace().violations ?? [];
  if (!list.length) return nothing;
  return html`<details class="violations">
    <summary>Slack would complain: ${list.length}</summary>
    <ul tabindex="0" aria-label="What Slack would complain about">
      ${list.toReversed().map(({ kind, detail }) => html`<li><b>${kind.replaceAll('_', ' ')}</b> ${detail}</li>`)}
    </ul>
  </details>`;
}
