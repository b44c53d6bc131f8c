/**
 * The one menu that can be open at a time, beside the button that opened it.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { icon } from './icons.js';

/**
 * @typedef {object} Item
 * @property {string} label
 * @property {unknown} [before] a picture before the label
 * @property {string} [detail] a second, smaller line
 * @property {string} [badge]
 * @property {boolean} [checked] set for the items of a choice, of which one is checked
 * @property {() => void} [run] without it the item is only read
 */

const GAP = 6; // pixels between the button and its menu, and between the menu and the window's edge

export class Menu {
  #anchor = null;
  #label = '';
  #items = [];
  #changed;
  #focus = false; // the menu was opened, and its first item gets the focus once it is drawn

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
    document.addEventListener('pointerdown', (event) => {
      if (!this.#anchor || this.#anchor.contains(event.target) || this.#element()?.contains(event.target)) return;
      this.close();
    });
    addEventListener('resize', () => this.close());
  }

  #element() {
    return document.getElementById('menu');
  }

  /** @param {Element} anchor */
  isOpen(anchor) {
    return Boolean(anchor) && this.#anchor === anchor;
  }

  /**
   * Opens the menu at the button, or closes it where it is open there.
   * @param {HTMLElement} anchor
   * @param {string} label
   * @param {Item[]} items
   */
  toggle(anchor, label, items) {
    if (this.#anchor === anchor) {
      this.close();
      return;
    }
    this.#anchor?.setAttribute('aria-expanded', 'false');
    this.#anchor = anchor;
    this.#label = label;
    this.#items = items;
    this.#focus = true;
    anchor.setAttribute('aria-expanded', 'true');
    this.#changed();
  }

  /** @param {boolean} [back] whether the focus returns to the button */
  close(back = false) {
    if (!this.#anchor) return;
    this.#anchor.setAttribute('aria-expanded', 'false');
    if (back) this.#anchor.focus();
    this.#anchor = null;
    this.#changed();
  }

  #key = (event) => {
    const items = [...event.currentTarget.querySelectorAll('[role^=menuitem]:not([aria-disabled])')];
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) {
      items.at(to % items.length)?.focus();
      event.preventDefault();
    } else if (event.key === 'Escape' || event.key === 'Tab') {
      this.close(true);
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key.length === 1 && event.key !== ' ') {
      const letter = event.key.toLowerCase();
      const next = [...items.slice(at + 1), ...items].find((item) => item.textContent.trim().toLowerCase().startsWith(letter));
      next?.focus();
    }
  };

  #item(item) {
    const role = item.checked === undefined ? 'menuitem' : 'menuitemradio';
    const run = () => {
      this.close(true);
      item.run();
    };
    return html`<button class="menu-item" role=${role} tabindex="-1"
      aria-checked=${item.checked ?? nothing} aria-disabled=${item.run ? nothing : 'true'} @click=${item.run ? run : nothing}>
      ${item.before ?? nothing}
      <span class="menu-words">
        <span class="menu-label">${item.label}${item.badge ? html` <span class="badge">${item.badge}</span>` : nothing}</span>
        ${item.detail ? html`<span class="menu-detail">${item.detail}</span>` : nothing}
      </span>
      ${item.checked ? icon('check') : nothing}
    </button>`;
  }

  render() {
    if (!this.#anchor) return nothing;
    return html`<div id="menu" class="menu" popover="manual" role="menu" aria-label=${this.#label} @keydown=${this.#key}>
      ${this.#items.map((item) => this.#item(item))}
    </div>`;
  }

  /** To be called once the page is drawn. */
  drawn() {
    const element = this.#element();
    if (!element || !this.#focus) return;
    this.#focus = false;
    element.showPopover(); // above everything else, whatever scrolls or cuts off around the button
    const button = this.#anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = element;
    const below = button.bottom + GAP + height + GAP <= innerHeight;
    element.style.left = `${Math.max(GAP, Math.min(button.left, innerWidth - width - GAP))}px`;
    element.style.top = `${Math.max(GAP, below ? button.bottom + GAP : button.top - GAP - height)}px`;
    const items = '[role^=menuitem]:not([aria-disabled])';
    (element.querySelector('[aria-checked=true]') ?? element.querySelector(items))?.focus();
  }
}
