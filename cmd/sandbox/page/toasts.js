/**
 * Short sentences at the edge of the page, which go away by themselves.
 * @module
 */
import { html } from './vendor/lit-html.js';
import { repeat } from './vendor/directives/repeat.js';
import { icon } from './icons.js';

const STAYS = 7000; // milliseconds, enough to read two lines
const AT_MOST = 4;

export class Toasts {
  #list = [];
  #next = 1;
  #risen = 0; // the latest toast that was lifted above a dialog
  #changed;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** Says that something failed. @param {string} text */
  warn(text) {
    this.#add('warn', text);
  }

  /** Says that something was done. @param {string} text */
  tell(text) {
    this.#add('check', text);
  }

  #add(sign, text) {
    const toast = { id: this.#next++, sign, text };
    this.#list = [...this.#list.filter((other) => other.text !== text), toast].slice(-AT_MOST);
    setTimeout(() => this.#remove(toast), STAYS);
    this.#changed();
  }

  #remove(toast) {
    this.#list = this.#list.filter((other) => other !== toast);
    this.#changed();
  }

  render() {
    // The region itself is always there: what comes into an existing one is read out.
    return html`<div class="toasts" id="toasts" role="status" popover="manual">
      ${repeat(
        this.#list,
        (toast) => toast.id,
        (toast) => html`<div class="toast toast-${toast.sign}">
          ${icon(toast.sign)}
          <p>${toast.text}</p>
          <button class="icon-button" aria-label="Dismiss" @click=${() => this.#remove(toast)}>${icon('close')}</button>
        </div>`,
      )}
    </div>`;
  }

  /** To be called once the page is drawn. An open dialog is above the whole page, and the last to open above it. */
  drawn() {
    const latest = this.#list.at(-1)?.id ?? 0;
    if (latest <= this.#risen || !document.querySelector('dialog[open]')) return;
    this.#risen = latest;
    const element = document.getElementById('toasts');
    if (element.matches(':popover-open')) element.hidePopover();
    element.showPopover();
  }
}
