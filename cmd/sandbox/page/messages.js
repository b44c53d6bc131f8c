/**
 * Messages, as the channel and the thread both show them: grouped by author, with a line where a day begins.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { repeat } from './vendor/directives/repeat.js';
import { attachments, blocks } from './kit/blocks.js';
import { mrkdwn } from './kit/text.js';
import { avatar, badge, nameOf } from './people.js';
import { clockTime, dateOf, dayAndTime, dayKey, dayName, fullTime } from './time.js';
import { icon } from './icons.js';

const TOGETHER = 5 * 60; // seconds within which messages of one author stand under one name

/** Whether a message stands in the channel itself, and not only in a thread. */
export const inChannel = (message) => !message.thread_ts || message.thread_ts === message.ts || message.broadcast;

/**
 * What stands under one another: lines where a day begins, and messages, of which `first` has a name and a picture.
 * @param {object[]} messages oldest first
 * @param {boolean} withDays
 * @returns {({day: string, key: string}|{message: object, first: boolean, key: string})[]}
 */
export function arrange(messages, withDays) {
  const rows = [];
  let before = null;
  for (const message of messages) {
    const date = dateOf(message.ts);
    const sameDay = before && dayKey(dateOf(before.ts)) === dayKey(date);
    if (withDays && !sameDay) rows.push({ day: dayName(date), key: `day ${dayKey(date)}` });
    rows.push({ message, first: !sameDay || !continues(before, message), key: message.ts });
    before = message;
  }
  return rows;
}

function continues(before, message) {
  return (
    before.user === message.user &&
    Boolean(before.ephemeral) === Boolean(message.ephemeral) &&
    !message.broadcast &&
    !before.reply_count && // the line of its replies stands between
    Number(message.ts) - Number(before.ts) < TOGETHER
  );
}

/**
 * @typedef {object} Where
 * @property {string} channel
 * @property {string} list which list draws them: a message can be in the channel and in the open thread at once
 * @property {boolean} thread whether it is a thread, where no thread can be begun
 */

/**
 * @param {import('./page.js').Page} page
 * @param {object[]} messages
 * @param {Where} where
 */
export function messageRows(page, messages, where) {
  return repeat(
    arrange(messages, !where.thread),
    (row) => row.key,
    (row) => (row.day ? dayLine(row.day) : messageRow(page, row, where)),
  );
}

function dayLine(day) {
  return html`<li class="day" data-row><span>${day}</span></li>`;
}

function messageRow(page, { message, first }, where) {
  const author = page.store.user(message.user) ?? message.author;
  const classes = `message ${first ? 'first' : ''} ${message.ephemeral ? 'ephemeral' : ''}`;
  return html`<li class=${classes} data-row data-ts=${message.ts} tabindex="-1">
    ${message.ephemeral ? html`<p class="only-you">${icon('eye')} Only visible to you</p>` : nothing}
    <div class="gutter">${first ? avatar(author) : time(message)}</div>
    <div class="message-body">
      ${first ? byline(author, message) : html`<span class="visually-hidden">${nameOf(author)}</span>`}
      <div class="message-content">${content(page, message, where)}</div>
      ${message.reply_count && !where.thread ? replies(page, message, where) : nothing}
    </div>
    ${toolbar(page, message, where)}
  </li>`;
}

function byline(author, message) {
  return html`<p class="byline"><b class="author">${nameOf(author)}</b> ${badge(author)} ${time(message)}</p>`;
}

function time(message) {
  const date = dateOf(message.ts);
  return html`<time datetime=${date.toISOString()} title=${fullTime(date)}>${clockTime(date)}</time>`;
}

function content(page, message, where) {
  const ctx = page.kit.message(message, where);
  return html`
    ${message.blocks?.length ? blocks(message.blocks, ctx) : text(page, message, ctx)}
    ${message.attachments?.length ? attachments(message.attachments, ctx) : nothing}
  `;
}

function text(page, message, ctx) {
  if (!message.text) return nothing;
  const fromPerson = page.store.user(message.user)?.kind !== 'bot'; // Slack does not tell that an app has edited
  const edited = message.edited && fromPerson ? html` <span class="edited">(edited)</span>` : nothing;
  return html`<div class="message-text">${mrkdwn(message.text, ctx)}${edited}</div>`;
}

function replies(page, message, where) {
  const count = `${message.reply_count} ${message.reply_count === 1 ? 'reply' : 'replies'}`;
  const faces = (message.reply_users ?? []).slice(0, 4).map((id) => avatar(page.store.user(id), 's'));
  return html`<button class="replies" @click=${() => page.openThread(where.channel, message.ts)}>
    ${faces} <span class="replies-count">${count}</span>
    ${message.latest_reply
      ? html`<span class="replies-last">Last reply ${dayAndTime(dateOf(message.latest_reply))}</span>`
      : nothing}
  </button>`;
}

/** What can be done with a message: it is to be seen while the pointer or the focus is in the message. */
function toolbar(page, message, where) {
  if (message.author) return nothing; // the page's own note: Slack knows nothing of it
  const shortcuts = page.store.workspace().shortcuts.filter((shortcut) => shortcut.type === 'message');
  const mayReply = !where.thread && !message.ephemeral;
  if (!mayReply && !shortcuts.length) return nothing;
  const more = (event) =>
    page.menu.toggle(
      event.currentTarget,
      'Message shortcuts',
      shortcuts.map((shortcut) => ({
        label: shortcut.name,
        detail: shortcut.description,
        run: () =>
          page.act('message_shortcut', { channel: where.channel, ts: message.ts, callback_id: shortcut.callback_id }),
      })),
    );
  return html`<div class="toolbar" role="group" aria-label="Message actions">
    ${mayReply
      ? html`<button class="icon-button" aria-label="Reply in thread" title="Reply in thread"
          @click=${() => page.openThread(where.channel, message.thread_ts || message.ts)}>${icon('reply')}</button>`
      : nothing}
    ${shortcuts.length
      ? html`<button class="icon-button" aria-label="More actions" title="More actions" aria-haspopup="menu"
          aria-expanded="false" @click=${more}>${icon('more')}</button>`
      : nothing}
  </div>`;
}

/**
 * Arrow keys go from message to message; Tab then leads to what can be done with it.
 * @param {KeyboardEvent} event of the list
 */
export function moveAmongMessages(event) {
  const rows = [...event.currentTarget.querySelectorAll('.message')];
  const at = rows.indexOf(document.activeElement);
  const onList = document.activeElement === event.currentTarget;
  if (at < 0 && !onList) return; // the key is for something inside a message
  const to = {
    ArrowDown: onList ? rows.length - 1 : Math.min(at + 1, rows.length - 1),
    ArrowUp: onList ? rows.length - 1 : Math.max(at - 1, 0),
    Home: 0,
    End: rows.length - 1,
  }[event.key];
  if (to === undefined) return;
  rows[to]?.focus();
  event.preventDefault();
}
