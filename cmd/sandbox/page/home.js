/**
 * The app's Home tab.
 * @module
 */
import { html } from './vendor/lit-html.js';
import { blocks } from './kit/blocks.js';
import { icon } from './icons.js';

/** @param {import('./page.js').Page} page */
export function home(page) {
  const published = page.store.home();
  const { app } = page.store.workspace();
  if (!published) {
    return html`<div class="empty home-empty">
      ${icon('home')}
      <h2>Nothing here yet</h2>
      <p>${app.name} has not published a Home tab for you.</p>
    </div>`;
  }
  const { view } = published;
  return html`<div class="scroller home" tabindex="0" role="region" aria-label="Home of ${app.name}">
    <div class="home-blocks">${blocks(view.blocks, page.kit.view(view.id, view))}</div>
  </div>`;
}
