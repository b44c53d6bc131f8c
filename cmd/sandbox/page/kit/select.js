/**
 * Menus of all kinds: a combobox with a list (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/). The element keeps
 * what is the menu's own (open or not, what was typed, what is highlighted); what is chosen is the page's.
 * @module
 */
import { html, render } from '../vendor/lit-html.js';
import { plain } from './emoji.js';
import { chosenLabel, isExternal, isMulti, keyOf, matching, numbered, offered } from './options.js';
import { Popup } from './popup.js';
import { meaning } from './select_keys.js';
import { fieldView, listView } from './select_view.js';
import { Suggestions } from './suggestions.js';
import { isPending, naming, use } from './use.js';

export const select = (element, block, ctx) => html`<kit-select .of=${{ element, block, ctx }}></kit-select>`;

class Select extends HTMLElement {
  #of;
  #popup = null;
  #query = '';
  #edited = false;
  /** What the list shows, in groups, and the index of what is highlighted in it, -1 for nothing. */
  #groups = [];
  #at = -1;
  #suggestions = new Suggestions(() => this.#arrived());
  #enter = () => this.#selectAll();
  #leave = (event) => {
    // A window that loses the focus takes it from its fields, and gives it back; nothing was left.
    if (!this.contains(event.relatedTarget) && document.hasFocus()) this.#close();
  };

  /** @param {{element: Object, block: Object, ctx: import('./blocks.js').Ctx}} of */
  set of(of) {
    this.#of = of;
    this.#draw();
  }

  connectedCallback() {
    this.addEventListener('focusin', this.#enter);
    this.addEventListener('focusout', this.#leave);
  }

  disconnectedCallback() {
    this.removeEventListener('focusin', this.#enter);
    this.removeEventListener('focusout', this.#leave);
    this.#suggestions.forget();
    this.#popup?.close();
    this.#popup = null;
  }

  get #input() {
    return this.querySelector('input');
  }

  get #multi() {
    return isMulti(this.#of.element);
  }

  /** What is chosen, as a list of raw values in any case. */
  get #chosen() {
    const { element, block, ctx } = this.#of;
    const value = ctx.values(block.block_id, element);
    return this.#multi ? (value ?? []) : [value].filter(Boolean);
  }

  get #choices() {
    return this.#groups.flatMap(({ choices }) => choices);
  }

  #isChosen(choice) {
    return this.#chosen.some((raw) => keyOf(raw) === choice.key);
  }

  #isFull() {
    return this.#multi && this.#chosen.length >= (this.#of.element.max_selected_items ?? Infinity);
  }

  #open() {
    if (this.#popup) return;
    this.#popup = new Popup(this.querySelector('[popover]'), this.querySelector('.kit-select-field'), () =>
      this.#close(),
    );
    this.#search(!this.#edited);
    this.#selectAll();
  }

  /** What is typed takes the place of what is chosen. */
  #selectAll() {
    if (document.activeElement === this.#input && !this.#edited) this.#input.select();
  }

  #close() {
    this.#suggestions.forget();
    this.#popup?.close();
    this.#popup = null;
    this.#query = '';
    this.#edited = false;
    this.#draw();
    this.#selectAll();
  }

  /** Finds what matches what was typed; an app is asked for it, and answers later. */
  #search(atOnce) {
    const { element, block, ctx } = this.#of;
    const query = this.#query;
    if (isExternal(element)) {
      this.#suggestions.want({ element, query, atOnce, ask: () => ctx.suggest(block.block_id, element, query) });
      this.#groups = numbered(this.#suggestions.groups);
      // The list is still that of what was typed before: nothing of it is to be taken by mistake.
      this.#at = -1;
    } else {
      this.#show(matching(offered(element, ctx.store), query));
    }
    this.#draw();
    this.#reveal();
  }

  #arrived() {
    if (!this.#popup) return;
    this.#show(this.#suggestions.groups);
    this.#draw();
    this.#reveal();
  }

  /** Highlights what the person was at, else the first of what was typed for, else what is chosen. */
  #show(groups) {
    const was = this.#choices[this.#at]?.key;
    this.#groups = numbered(groups);
    const choices = this.#choices;
    const again = choices.findIndex(({ key }) => key === was);
    const other = this.#query ? Math.min(0, choices.length - 1) : choices.findIndex((choice) => this.#isChosen(choice));
    this.#at = again >= 0 ? again : other;
  }

  #onInput() {
    this.#query = this.#input.value;
    this.#edited = true;
    this.#at = -1;
    if (this.#popup) this.#search(false);
    else this.#open();
  }

  #onKey(event) {
    const choices = this.#choices;
    const removable = this.#multi && !this.#query && this.#chosen.length > 0;
    const open = Boolean(this.#popup);
    const what = meaning(event, { open, edited: this.#edited, at: this.#at, count: choices.length, removable });
    if (!what) return;
    const choice = choices[this.#at];
    if (what.do === 'leave') {
      if (choice && !this.#isChosen(choice)) this.#choose(choice);
      return;
    }
    // Escape closes the list, not the modal around it; Enter takes an option and submits nothing.
    event.preventDefault();
    event.stopPropagation();
    if (what.do === 'open') this.#open();
    else if (what.do === 'close') this.#close();
    else if (what.do === 'remove') this.#take(this.#chosen.slice(0, -1));
    else if (what.do === 'move') this.#move(what.to);
    else if (choice) this.#choose(choice);
  }

  #move(to) {
    this.#at = to;
    this.#draw();
    this.#reveal();
  }

  #reveal() {
    this.#popup.reveal(this.querySelector('.kit-active'), this.#at === 0);
  }

  #choose(choice) {
    if (!this.#multi) {
      this.#close();
      this.#take(choice.raw);
      return;
    }
    const others = this.#chosen.filter((raw) => keyOf(raw) !== choice.key);
    const wasChosen = this.#isChosen(choice);
    if (!wasChosen && this.#isFull()) return;
    this.#take(wasChosen ? others : [...others, choice.raw]);
    if (!this.#query) return;
    this.#query = '';
    this.#search(true);
  }

  async #take(value) {
    const { element, block, ctx } = this.#of;
    await use(element, block, ctx, value);
    this.#draw();
    this.#selectAll();
  }

  #remove(raw) {
    this.#input.focus();
    this.#take(this.#multi ? this.#chosen.filter((other) => keyOf(other) !== keyOf(raw)) : null);
  }

  #onFieldClick(event) {
    if (event.target.closest('button')) return;
    this.#input.focus();
    // A click into what is being typed only moves the caret.
    if (this.#popup && event.target !== this.#input) {
      this.#close();
    } else if (!this.#popup) {
      this.#open();
      // The browser sets the caret after this event where the text was selected before.
      requestAnimationFrame(() => this.#selectAll());
    }
  }

  #note() {
    if (this.#suggestions.trouble) return this.#suggestions.trouble;
    if (this.#suggestions.loading) return 'Loading…';
    if (this.#groups.length === 0) return 'No results';
    return this.#isFull() ? `No more than ${this.#of.element.max_selected_items} can be chosen` : '';
  }

  #draw() {
    const { element, block, ctx } = this.#of;
    const multi = this.#multi;
    const open = Boolean(this.#popup);
    const names = naming(element, block, ctx);
    const labels = this.#chosen.map((raw) => ({ raw, label: chosenLabel(raw, element, ctx.store) }));
    const note = open ? this.#note() : '';
    const loading = open && this.#suggestions.loading;
    const s = {
      open,
      multi,
      loading,
      naming: names,
      // A list that is there already stays as it is while another is fetched.
      note: loading && this.#groups.length > 0 ? '' : note,
      query: this.#query,
      text: this.#edited || multi ? this.#query : (labels[0]?.label ?? ''),
      chips: multi ? labels : [],
      placeholder: multi && labels.length > 0 ? '' : plain(element.placeholder) || 'Select an option',
      focusOnLoad: element.focus_on_load,
      pending: isPending(element, block, ctx),
      groups: this.#groups,
      at: this.#at,
      full: this.#isFull(),
      listID: `${names.id}.list`,
      isChosen: (choice) => this.#isChosen(choice),
      onInput: () => this.#onInput(),
      onKey: (event) => this.#onKey(event),
      onFieldClick: (event) => this.#onFieldClick(event),
      onChoose: (choice) => this.#choose(choice),
      onRemove: ({ raw }) => this.#remove(raw),
      onClear: block.optional && !multi && labels.length > 0 ? () => this.#remove() : null,
    };
    const heard = open && !note ? `${this.#choices.length} choices` : note;
    render(
      html`${fieldView(s)}
        <div class="kit-popup" popover="manual" @mousedown=${(event) => event.preventDefault()}>${listView(s)}</div>
        <span class="kit-hidden" role="status">${heard}</span>`,
      this,
    );
    this.#popup?.place();
  }
}

customElements.define('kit-select', Select);
