/**
 * The right column: GitLab, and what goes wrong. On narrow windows it is a drawer, on phones a pane of its own.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { connectCard } from './connect.js';
import { gitlabPane } from './gitlab.js';
import { icon } from './icons.js';
import { leversPane } from './levers.js';
import { violations } from './violations.js';

const TABS = ['gitlab', 'levers'];

export class Side {
  #page;
  #tab = 'gitlab';

  /** Whether the drawer is open, where the column is one. */
  drawer = false;

  /** @param {import('./page.js').Page} page */
  constructor(page) {
    this.#page = page;
  }

  /** @param {'gitlab'|'levers'} tab */
  open(tab) {
    this.#tab = tab;
    this.drawer = true;
    if (this.#page.route.thread && !matchMedia('(min-width: 1600px)').matches) this.#page.closeThread(); // it has this place
    this.#page.show('gitlab');
    this.#page.focus(`tab-${tab}`);
  }

  close() {
    this.drawer = false;
    this.#page.changed();
    document.getElementById('open-side')?.focus();
  }

  /** What opens the drawer. */
  button() {
    const toggle = () => (this.drawer ? this.close() : this.open(this.#tab));
    return html`<button class="side-button" id="open-side" aria-expanded=${this.drawer} @click=${toggle}>
      ${icon('pipeline')} ${this.title()}
    </button>`;
  }

  /** What the column is about: without GitLab it is the connection of an app from elsewhere. */
  title() {
    return this.#page.store.gitlab() ? 'GitLab' : 'Connect';
  }

  #choose(tab) {
    this.#tab = tab;
    this.#page.changed();
  }

  #key = (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    this.#choose(this.#tab === 'gitlab' ? 'levers' : 'gitlab');
    this.#page.focus(`tab-${this.#tab}`);
  };

  #tabButton(tab) {
    const selected = this.#tab === tab;
    return html`<button role="tab" id="tab-${tab}" aria-selected=${selected} aria-controls="panel-${tab}"
      tabindex=${selected ? '0' : '-1'} @click=${() => this.#choose(tab)}>
      ${tab === 'gitlab' ? this.title() : 'What goes wrong'}
      ${tab === 'levers' ? this.#armed() : nothing}
    </button>`;
  }

  /** How many levers are in force. */
  #armed() {
    const count = this.#page.store.levers().filter((lever) => lever.on).length;
    if (!count) return nothing;
    return html`<span class="armed-count">${count}<span class="visually-hidden"> in force</span></span>`;
  }

  render() {
    const panel = { gitlab: gitlabPane, levers: leversPane }[this.#tab];
    return html`<aside class="side" id="side" aria-label="${this.title()} and what goes wrong">
      <header class="pane-head">
        <div class="side-tabs" role="tablist" aria-label="Right column" @keydown=${this.#key}>
          ${TABS.map((tab) => this.#tabButton(tab))}
        </div>
        <button class="icon-button close-side" aria-label="Close" title="Close" @click=${() => this.close()}>
          ${icon('close')}
        </button>
      </header>
      <div class="side-panel" role="tabpanel" id="panel-${this.#tab}" aria-labelledby="tab-${this.#tab}" tabindex="0">
        ${connectCard(this.#page)} ${panel(this.#page)}
      </div>
      ${violations(this.#page)}
    </aside>`;
  }
}
