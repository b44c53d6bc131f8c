/**
 * Where one writes: messages, replies, commands.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { live } from './vendor/directives/live.js';
import { escape, toMarkup } from './markup.js';
import { icon } from './icons.js';
import { offer } from './suggestions.js';

const TALLEST = 220; // pixels that it grows to before it scrolls

export class Composer {
  #page;
  #id;
  #drafts = new Map(); // what was typed and not sent, by person and place
  #place = null; // {channel, thread} of the last drawing
  #offer = null;
  #chosen = 0;

  /**
   * @param {import('./page.js').Page} page
   * @param {string} id of the field
   */
  constructor(page, id) {
    this.#page = page;
    this.#id = id;
  }

  #field() {
    return document.getElementById(this.#id);
  }

  #key() {
    return `${this.#page.store.me()}/${this.#place.channel.id}/${this.#place.thread}`;
  }

  /** Puts text into the field, as if it had been typed. @param {string} text */
  offer(text) {
    this.#drafts.set(this.#key(), text);
    this.#page.show('messages');
    this.#page.focus(this.#id);
  }

  #type = () => {
    const field = this.#field();
    this.#drafts.set(this.#key(), field.value);
    this.#look(field);
    this.#page.changed();
  };

  #look(field) {
    this.#offer = offer(this.#page.store, field.value, field.selectionStart, Boolean(this.#place.thread));
    this.#chosen = 0;
  }

  #keydown = (event) => {
    if (event.isComposing) return;
    const options = this.#offer?.options ?? [];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const sends = event.key === 'Enter' && !event.shiftKey;
    if (options.length && step) {
      this.#chosen = (this.#chosen + step + options.length) % options.length;
      this.#page.changed();
    } else if (options.length && event.key === 'Escape') {
      this.#offer = null;
      this.#page.changed();
      event.stopPropagation();
    } else if (options.length && ((event.key === 'Tab' && !event.shiftKey) || (sends && !this.#isWhole()))) {
      this.#complete(options[this.#chosen]);
    } else if (sends) {
      this.#send();
    } else {
      return;
    }
    event.preventDefault();
  };

  /** Whether the chosen option is typed out already: then Enter means to send it. */
  #isWhole() {
    const { value, selectionStart: caret } = this.#field();
    return value.slice(this.#offer.from, caret) === this.#offer.options[this.#chosen].text.trim();
  }

  #complete(option) {
    const field = this.#field();
    const { from } = this.#offer;
    field.setRangeText(option.text, from, field.selectionStart, 'end');
    field.focus();
    this.#type();
    this.#offer = null;
  }

  async #send() {
    const { store } = this.#page;
    const { channel, thread } = this.#place;
    const key = this.#key();
    const typed = this.#field().value;
    if (!typed.trim()) return;
    this.#drafts.delete(key);
    this.#offer = null;
    this.#page.changed();
    if (typed.startsWith('/')) {
      await this.#command(typed.trim(), channel, thread);
      return;
    }
    const text = toMarkup(typed.trim(), store);
    const answer = await this.#page.act('post', { channel: channel.id, text, thread_ts: thread || undefined });
    if (!answer.ok && !this.#drafts.get(key)) this.#drafts.set(key, typed); // nothing typed is lost
    this.#page.changed();
  }

  async #command(typed, channel, thread) {
    const [command] = typed.split(/\s/, 1);
    const tell = (text) => this.#page.notes.add(thread ? `${channel.id}/${thread}` : channel.id, text);
    const known = this.#page.store.workspace().commands.find((other) => other.command === command);
    if (!known) {
      tell(`\`${escape(command)}\` is not a valid command. In Slack, messages that start with the "/" character are ` +
        'interpreted as commands. If you are trying to send a message and not run a command, put a space before the "/".');
    } else if (thread) {
      tell(`\`${escape(command)}\` is not supported in threads. Sorry!`);
    } else {
      const text = typed.slice(command.length).trim();
      const answer = await this.#page.ask('command', { channel: channel.id, command, text });
      if (!answer.ok) tell(escape(answer.error));
      else if (known.built_in) this.#page.toasts.tell(`Done: ${typed}`);
    }
  }

  #shortcuts = (event) => {
    const { commands, shortcuts } = this.#page.store.workspace();
    const run = (shortcut) => () => this.#page.act('shortcut', { callback_id: shortcut.callback_id });
    const items = [
      ...shortcuts
        .filter((shortcut) => shortcut.type === 'global')
        .map((shortcut) => ({ label: shortcut.name, detail: shortcut.description, run: run(shortcut) })),
      ...(this.#place.thread ? [] : commands.filter((known) => !known.built_in)).map(({ command, description }) => ({
        label: command,
        detail: description,
        run: () => this.offer(`${command} `),
      })),
    ];
    if (!items.length) items.push({ label: 'This app has no shortcuts.' });
    this.#page.menu.toggle(event.currentTarget, 'Shortcuts', items);
  };

  #option = (option, index) => {
    const choose = (event) => {
      event.preventDefault(); // the field keeps the focus
      this.#complete(option);
    };
    return html`<div class="option" role="option" id="${this.#id}-option-${index}" aria-selected=${index === this.#chosen}
      @pointerdown=${choose}>${option.look}</div>`;
  };

  /** @param {{channel: {id: string}, thread: string, label: string}} place */
  render(place) {
    if (this.#place && (this.#place.channel.id !== place.channel.id || this.#place.thread !== place.thread)) this.#offer = null;
    this.#place = place;
    const text = this.#drafts.get(this.#key()) ?? '';
    const list = `${this.#id}-options`;
    return html`<form class="composer" @submit=${(event) => event.preventDefault()}>
      ${this.#offer
        ? html`<div class="suggestions">
            <p class="suggestions-head" aria-hidden="true">${this.#offer.title}</p>
            <div role="listbox" id=${list} aria-label=${this.#offer.title}>${this.#offer.options.map(this.#option)}</div>
          </div>`
        : nothing}
      <div class="composer-box">
        <textarea id=${this.#id} rows="1" aria-label=${place.label} placeholder=${place.label} aria-autocomplete="list"
          aria-controls=${this.#offer ? list : nothing}
          aria-activedescendant=${this.#offer ? `${this.#id}-option-${this.#chosen}` : nothing}
          .value=${live(text)} @input=${this.#type} @keydown=${this.#keydown} @blur=${this.#leave}></textarea>
        <div class="composer-bar">
          <button type="button" class="icon-button" aria-label="Shortcuts" title="Shortcuts" aria-haspopup="menu"
            aria-expanded="false" @click=${this.#shortcuts}>${icon('bolt')}</button>
          <button type="button" class="icon-button send" aria-label="Send" title="Send" ?disabled=${!text.trim()}
            @click=${() => this.#send()}>${icon('send')}</button>
        </div>
      </div>
    </form>`;
  }

  #leave = () => {
    this.#offer = null;
    this.#page.changed();
  };

  /** To be called once the page is drawn: the field is as tall as what is in it. */
  drawn() {
    const field = this.#field();
    if (!field || field.dataset.fitted === field.value) return;
    field.style.height = 'auto';
    field.style.height = `${Math.min(field.scrollHeight, TALLEST)}px`;
    field.dataset.fitted = field.value;
  }
}
