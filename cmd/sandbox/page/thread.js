/**
 * The open thread: the message that it is about, its replies, and where one replies.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { messageRows, moveAmongMessages } from './messages.js';
import { fullTitleOf } from './people.js';
import { icon } from './icons.js';

/** @param {import('./page.js').Page} page */
export function threadPane(page) {
  const channel = page.channel();
  const ts = page.route.thread;
  if (!ts || !channel) return nothing;
  const { store } = page;
  const replies = store.messages(channel.id).filter((message) => message.thread_ts === ts && message.ts !== ts);
  const root = store.message(channel.id, ts);
  const where = { channel: channel.id, list: 'thread', thread: true };
  return html`<aside class="thread" id="thread" aria-labelledby="thread-title">
    <header class="pane-head">
      <h2 id="thread-title" tabindex="-1">
        <span class="pane-title">Thread</span> <span class="pane-sub">${fullTitleOf(store, channel)}</span>
      </h2>
      <button class="icon-button" aria-label="Close thread" title="Close" @click=${() => page.closeThread()}>
        ${icon('close')}
      </button>
    </header>
    <div class="scroller" id="replies" data-key="${store.me()}/${channel.id}/${ts}">
      <div class="history">
        <ol class="messages" role="list" tabindex="0" aria-label="Messages in the thread" @keydown=${moveAmongMessages}>
          ${root ? messageRows(page, [root], where) : html`<li class="gone-message" data-row>This message was deleted.</li>`}
          <li class="reply-line" data-row>${counted(replies.length)}</li>
          ${messageRows(page, page.notes.among(`${channel.id}/${ts}`, replies), where)}
        </ol>
      </div>
    </div>
    ${page.composers.thread.render({ channel, thread: ts, label: 'Reply…' })}
  </aside>`;
}

function counted(count) {
  return html`<span>${count === 0 ? 'No replies yet' : count === 1 ? '1 reply' : `${count} replies`}</span>`;
}
