/**
 * Reads new messages of the open conversation out to those who do not see them come.
 * @module
 */
import { html } from './vendor/lit-html.js';
import { nameOf } from './people.js';
import { toSpeech } from './markup.js';

const LONGEST = 200; // characters: enough to know what it is about

export class Announcer {
  #store;
  #said = '';

  /** @param {import('./store.js').Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {object} message that has come */
  say(message) {
    const text = toSpeech(message.text || 'a message', this.#store).slice(0, LONGEST);
    this.#said = `${nameOf(this.#store.user(message.user))}: ${text}`;
  }

  render() {
    return html`<div class="visually-hidden" aria-live="polite">${this.#said}</div>`;
  }
}
