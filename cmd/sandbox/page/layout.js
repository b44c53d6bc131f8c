/**
 * The parts of the page beside one another.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { channelPane } from './channel.js';
import { icon } from './icons.js';
import { modal } from './kit/modal.js';
import { sidebar } from './sidebar.js';
import { threadPane } from './thread.js';

/** What phones show one at a time, with the icons of the bar that chooses it. */
const PANES = { chats: 'people', messages: 'chat', gitlab: 'pipeline' };

/**
 * @param {import('./page.js').Page} page
 * @param {object|null} view the open modal, if there is one
 */
export function layout(page, view) {
  const { route, side } = page;
  const classes = `shell pane-${page.pane} ${route.thread ? 'with-thread' : ''} ${side.drawer ? 'with-drawer' : ''}`;
  return html`
    ${skipLink('main', 'Skip to the conversation')} ${skipLink('composer', 'Skip to the message field')}
    <div class=${classes}>${sidebar(page)} ${channelPane(page)} ${threadPane(page)} ${side.render()} ${bottomBar(page)}</div>
    ${connection(page)} ${page.toasts.render()} ${page.announcer.render()} ${page.menu.render()}
    ${modal(view, page.kit.modal(view))}
  `;
}

function skipLink(id, words) {
  const follow = (event) => {
    event.preventDefault(); // the address says where the page is, and that stays
    document.getElementById(id)?.focus();
  };
  return html`<a class="skip-link" href="#${id}" @click=${follow}>${words}</a>`;
}

function connection({ store }) {
  const lost = html`<p>Reconnecting… Is the sandbox still running?</p>`;
  return html`<div class="connection" role="status">${store.connection === 'open' ? nothing : lost}</div>`;
}

function bottomBar(page) {
  const count = page.store.channels().reduce((sum, channel) => sum + page.reads.unread(channel).mentions, 0);
  const badge = html`<span class="mentions">${count}<span class="visually-hidden"> to you</span></span>`;
  const words = { chats: 'Chats', messages: 'Messages', gitlab: page.side.title() };
  return html`<nav class="bottom-bar" aria-label="Panes">
    ${Object.entries(PANES).map(
      ([pane, sign]) => html`<button aria-current=${page.pane === pane ? 'page' : nothing} @click=${() => page.show(pane)}>
        ${icon(sign)} ${words[pane]} ${pane === 'chats' && count ? badge : nothing}
      </button>`,
    )}
  </nav>`;
}
