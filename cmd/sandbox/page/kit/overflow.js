/**
 * The overflow menu: a button with three dots and a menu of what it can do
 * (https://www.w3.org/WAI/ARIA/apg/patterns/menu-button/).
 * @module
 */
import { html, nothing, render } from '../vendor/lit-html.js';
import { icon, spinner } from './icons.js';
import { safeAddress } from './links.js';
import { Popup } from './popup.js';
import { text } from './text.js';
import { domID, isPending, use } from './use.js';

export const overflow = (element, block, ctx) => html`<kit-overflow .of=${{ element, block, ctx }}></kit-overflow>`;

class Overflow extends HTMLElement {
  #of;
  #popup = null;
  #leave = (event) => {
    if (!this.contains(event.relatedTarget) && document.hasFocus()) this.#close();
  };

  /** @param {{element: Object, block: Object, ctx: import('./blocks.js').Ctx}} of */
  set of(of) {
    this.#of = of;
    this.#draw();
  }

  connectedCallback() {
    this.addEventListener('focusout', this.#leave);
  }

  disconnectedCallback() {
    this.removeEventListener('focusout', this.#leave);
    this.#popup?.close();
    this.#popup = null;
  }

  get #items() {
    return [...this.querySelectorAll('[role=menuitem]')];
  }

  #open(index) {
    this.#popup ??= new Popup(this.querySelector('[popover]'), this.querySelector('button'), () => this.#close());
    this.#draw();
    this.#items.at(index)?.focus();
  }

  #close() {
    this.#popup?.close();
    this.#popup = null;
    this.#draw();
  }

  #onButtonKey(event) {
    const index = { ArrowDown: 0, ArrowUp: -1 }[event.key];
    if (index === undefined) return;
    event.preventDefault();
    this.#open(index);
  }

  #onMenuKey(event) {
    const items = this.#items;
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: (at + 1) % items.length, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === 'Escape') this.querySelector('button').focus();
    if (event.key === 'Escape' || event.key === 'Tab') this.#close();
    if (to === undefined && event.key !== 'Escape') return;
    // Escape closes the menu, not the modal around it.
    event.preventDefault();
    event.stopPropagation();
    if (to !== undefined) items.at(to)?.focus();
  }

  #choose(option) {
    const { element, block, ctx } = this.#of;
    this.querySelector('button').focus();
    this.#close();
    use(element, block, ctx, option);
  }

  #draw() {
    const { element, block, ctx } = this.#of;
    const open = Boolean(this.#popup);
    const pending = isPending(element, block, ctx);
    render(
      html`<button
          type="button"
          class="kit-button kit-square"
          id=${domID(ctx, block.block_id, element.action_id)}
          aria-label="More actions"
          aria-haspopup="menu"
          aria-expanded=${open}
          aria-disabled=${pending ? 'true' : nothing}
          @click=${() => pending || (open ? this.#close() : this.#open(0))}
          @keydown=${(event) => this.#onButtonKey(event)}
        >
          <span class="kit-button-label">${icon('more')}</span>${pending ? spinner : nothing}
        </button>
        <div
          class="kit-popup"
          popover="manual"
          role="menu"
          aria-label="More actions"
          @keydown=${(event) => this.#onMenuKey(event)}
        >
          ${open ? element.options.map((option) => item(option, ctx, () => this.#choose(option))) : nothing}
        </div>`,
      this,
    );
    this.#popup?.place();
  }
}

function item({ text: label, description, url }, ctx, choose) {
  const words = html`<span>${text(label, ctx)}</span>
    ${description ? html`<span class="kit-option-description">${text(description, ctx)}</span>` : nothing}`;
  if (!safeAddress(url)) {
    return html`<button type="button" class="kit-menu-item" role="menuitem" tabindex="-1" @click=${choose}>
      ${words}
    </button>`;
  }
  return html`<a
    class="kit-menu-item"
    role="menuitem"
    tabindex="-1"
    href=${url}
    target="_blank"
    rel="noopener noreferrer"
    @click=${choose}
    >${words}</a
  >`;
}

customElements.define('kit-overflow', Overflow);
