/**
 * Between what a person types and Slack's markup (https://docs.slack.dev/messaging/formatting-message-text).
 * @module
 */

/** Text that means nothing but itself. @param {string} text */
export const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/**
 * What a person typed, as Slack sends it: names of people and channels become ids.
 * @param {string} text
 * @param {import('./store.js').Store} store
 */
export function toMarkup(text, store) {
  const people = new Map(store.users().map((user) => [user.name.toLowerCase(), user.id]));
  const channels = new Map(store.channels().map((channel) => [channel.name?.toLowerCase(), channel.id]));
  return escape(text).replace(/(^|[\s(])([@#])([\p{L}\p{N}._-]*[\p{L}\p{N}])/gu, (whole, before, sign, name) => {
    const id = (sign === '@' ? people : channels).get(name.toLowerCase());
    return id ? `${before}<${sign}${id}>` : whole;
  });
}

/**
 * Slack's markup as it is read out: names for ids, labels for links.
 * @param {string} text
 * @param {import('./store.js').Store} store
 */
export function toSpeech(text, store) {
  return text
    .replace(/<@(\w+)(\|[^>]*)?>/g, (_, id) => store.user(id)?.real_name ?? 'somebody')
    .replace(/<#(\w+)(\|[^>]*)?>/g, (_, id) => store.channel(id)?.name ?? 'a channel')
    .replace(/<[^>|]*\|([^>]*)>/g, '$1')
    .replace(/<([^>]*)>/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
