/**
 * How people and conversations are named and pictured.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { icon } from './icons.js';

const TONES = 8; // colours of avatars in style.css

/** @param {{real_name?: string, name: string}|undefined} user */
export const nameOf = (user) => user?.real_name || user?.name || 'Somebody';

/** What stands beside a name: Guest, External, APP, or nothing. */
const kinds = { guest: 'Guest', external: 'External', bot: 'APP' };

/** @param {{kind: string}|undefined} user */
export const kindOf = (user) => kinds[user?.kind] ?? '';

/** @param {{kind: string}|undefined} user */
export const badge = (user) => (kindOf(user) ? html`<span class="badge">${kindOf(user)}</span>` : nothing);

/**
 * A square with initials, in a colour that the person keeps; the app has its own glyph.
 * @param {{id: string, kind: string, name: string}|undefined} user
 * @param {'s'|'m'|'l'} [size]
 */
export function avatar(user, size = 'l') {
  if (user?.kind === 'bot' && user.name === 'pipebot') {
    return html`<span class="avatar avatar-${size} avatar-app" aria-hidden="true">${icon('pipe')}</span>`;
  }
  if (user?.kind === 'slackbot') {
    return html`<span class="avatar avatar-${size} avatar-slackbot" aria-hidden="true">${icon('chat')}</span>`;
  }
  return html`<span class="avatar avatar-${size} tone-${tone(user?.id ?? '')}" aria-hidden="true">${initials(nameOf(user))}</span>`;
}

function initials(name) {
  const words = name.split(/[\s.]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join('');
}

function tone(id) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % TONES;
}

/**
 * Who a direct message is with; undefined where it is no direct message of two.
 * @param {import('./store.js').Store} store
 * @param {{kind: string, members: string[]}} channel
 */
export function otherOf(store, channel) {
  if (channel.kind !== 'im') return undefined;
  return store.user(channel.members.find((id) => id !== store.me()) ?? store.me());
}

/**
 * A conversation's name without the #: "builds", "Bob", "Bob, Carol".
 * @param {import('./store.js').Store} store
 * @param {{kind: string, name: string, members: string[]}} channel
 */
export function titleOf(store, channel) {
  if (channel.kind === 'im') return isWithApp(store, channel) ? store.workspace().app.name : nameOf(otherOf(store, channel));
  if (channel.kind !== 'mpim') return channel.name;
  return channel.members
    .filter((id) => id !== store.me())
    .map((id) => nameOf(store.user(id)))
    .join(', ');
}

/** "#builds", or the names of the people. */
export const fullTitleOf = (store, channel) =>
  (channel.kind === 'channel' || channel.kind === 'group' ? '#' : '') + titleOf(store, channel);

/** Whether it is the conversation of the person and the app. */
export const isWithApp = (store, channel) => otherOf(store, channel)?.kind === 'bot';

/** The sign before a conversation's name. */
export function signOf(channel) {
  return icon({ channel: 'hash', group: 'lock', mpim: 'people' }[channel.kind] ?? 'chat');
}
