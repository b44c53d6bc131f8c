/**
 * What Slack itself tells one person in a conversation, such as that a command is not valid. Only this page knows
 * these notes; they are gone when it is reloaded.
 * @module
 */

const SLACKBOT = { id: 'USLACKBOT', name: 'Slackbot', real_name: 'Slackbot', kind: 'slackbot' };

export class Notes {
  #store;
  #changed;
  #notes = new Map(); // by person and place

  /**
   * @param {import('./store.js').Store} store
   * @param {() => void} changed
   */
  constructor(store, changed) {
    this.#store = store;
    this.#changed = changed;
  }

  /**
   * @param {string} place a channel's id, or channel/ts of a thread
   * @param {string} text Slack's markup
   */
  add(place, text) {
    const key = this.#key(place);
    const ts = (Date.now() / 1000).toFixed(6);
    this.#notes.set(key, [...(this.#notes.get(key) ?? []), { ts, user: SLACKBOT.id, author: SLACKBOT, text, ephemeral: true }]);
    this.#changed();
  }

  /**
   * @param {string} place
   * @param {object[]} messages
   * @returns {object[]} the messages with the notes among them
   */
  among(place, messages) {
    const notes = this.#notes.get(this.#key(place));
    return notes ? [...messages, ...notes].sort((a, b) => Number(a.ts) - Number(b.ts)) : messages;
  }

  #key(place) {
    return `${this.#store.me()}/${place}`;
  }
}
