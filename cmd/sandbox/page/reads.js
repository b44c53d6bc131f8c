/**
 * What each person has read already. It is the page's own: somebody who is acted as for the first time has read
 * everything that was there when the page was opened, and nothing since.
 * @module
 */

export class Reads {
  #store;
  #start = '';
  #upTo = new Map(); // the last ts read, by person and channel

  /** @param {import('./store.js').Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** To be called with the first state that came. */
  start() {
    const latest = this.#store.channels().map((channel) => this.#store.messages(channel.id).at(-1)?.ts ?? '');
    this.#start = latest.sort().at(-1) ?? '';
  }

  /** Takes note that the person looks at the channel. @param {string} channel */
  mark(channel) {
    const last = this.#store.messages(channel).at(-1)?.ts;
    if (last) this.#upTo.set(this.#key(channel), last);
  }

  /**
   * @param {{id: string, kind: string}} channel
   * @returns {{messages: number, mentions: number}} how many the person has not read, and how many are to them
   */
  unread(channel) {
    const me = this.#store.me();
    const upTo = this.#upTo.get(this.#key(channel.id)) ?? this.#start;
    const direct = channel.kind === 'im' || channel.kind === 'mpim';
    const count = { messages: 0, mentions: 0 };
    const all = this.#store.messages(channel.id);
    for (let i = all.length - 1; i >= 0 && all[i].ts > upTo; i--) {
      const message = all[i];
      if (message.user === me) continue;
      const mentioned = direct || mentions(message, me);
      const inThread = message.thread_ts && message.thread_ts !== message.ts && !message.broadcast;
      if (mentioned || !inThread) count.messages++;
      if (mentioned && !message.ephemeral) count.mentions++;
    }
    return count;
  }

  #key(channel) {
    return `${this.#store.me()}/${channel}`;
  }
}

/** Slack notifies for a mention anywhere in the message: in its text, or in a rich text element. */
function mentions(message, person) {
  const all = JSON.stringify([message.text, message.blocks, message.attachments]);
  return all.includes(`<@${person}`) || all.includes(`"user_id":"${person}"`) || /<!(here|channel|everyone)/.test(all);
}
