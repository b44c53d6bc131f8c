/**
 * What people enter into the elements of Block Kit, and how it gets to the app: the page's side of the kit.
 * @module
 */
import { currentValue } from './kit/values.js';
import { avatar } from './people.js';

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export class Interactions {
  #page;
  /** What was entered, by element; it wins over what the server knows for as long as the element is there. */
  #entered = new Map();
  /** What was sent and not answered yet, by place. */
  #pending = new Map();
  /** The errors, by view, of which a field's was outdated by what was entered since. */
  #forgiven = new WeakMap();

  /** @param {import('./page.js').Page} page */
  constructor(page) {
    this.#page = page;
  }

  /**
   * The kit's context for the blocks of a message.
   * @param {object} message
   * @param {import('./messages.js').Where} where
   * @returns {import('./kit/blocks.js').Ctx}
   */
  message(message, where) {
    return this.#context({ channel: where.channel, ts: message.ts }, where.list, message.state);
  }

  /**
   * The kit's context for the blocks of a view: of the Home tab, or of a modal.
   * @param {string} id
   * @param {object} view
   * @returns {import('./kit/blocks.js').Ctx}
   */
  view(id, view) {
    return this.#context({ view: id }, 'view', view.state?.values);
  }

  /**
   * The kit's context for an open modal, or for none.
   * @param {object|undefined} entry
   * @returns {import('./kit/modal.js').ModalCtx}
   */
  modal(entry) {
    const context = this.view(entry?.id ?? '', entry?.view ?? {});
    const { store } = this.#page;
    return {
      ...context,
      badge: avatar(store.user(store.workspace().app.user), 'm'),
      errors: this.#errors(entry),
      submit: () => this.#submit(entry),
      close: () => this.#close(entry),
    };
  }

  /**
   * Forgets what was entered where the element has gone since: Slack does the same.
   * @param {object[]} views all views there are
   */
  prune(views) {
    const there = new Set();
    for (const { id, view } of views) {
      for (const element of elementsOf(view.blocks ?? [])) there.add(`${this.#place({ view: id })} ${element}`);
    }
    for (const key of this.#entered.keys()) {
      if (key.includes('/view/') && !there.has(key)) this.#entered.delete(key);
    }
  }

  #context(where, list, state) {
    const { store } = this.#page;
    const place = this.#place(where);
    return {
      where,
      key: list,
      me: store.me(),
      store,
      tz: ZONE,
      pending: this.#pending.get(place) ?? new Set(),
      values: (blockID, element) => {
        const kept = this.#entered.get(elementKey(place, blockID, element));
        return kept?.type === element.type ? kept.value : currentValue(element, state?.[blockID]?.[element.action_id]);
      },
      enter: (blockID, element, value) => {
        this.#entered.set(elementKey(place, blockID, element), { type: element.type, value });
        this.#forgive(where, blockID);
        this.#page.changed();
      },
      act: (blockID, element, value) => this.#act(where, blockID, element, value),
      suggest: (blockID, element, query) => this.#suggest(where, blockID, element, query),
      openChannel: (id) => this.#page.go({ place: id, thread: '' }),
    };
  }

  #place({ channel, ts, view }) {
    return view === undefined ? `${this.#page.store.me()}/${channel}/${ts}` : `${this.#page.store.me()}/view/${view}`;
  }

  async #act(where, blockID, element, value) {
    const values = where.view === undefined ? undefined : this.#values(where);
    await this.#sending(where, `${blockID}/${element.action_id}`, () =>
      this.#page.act('act', { ...where, block_id: blockID, action_id: element.action_id, value, values }),
    );
  }

  async #suggest(where, blockID, element, query) {
    const answer = await this.#page.ask('suggest', { ...where, block_id: blockID, action_id: element.action_id, query });
    if (!answer.ok) throw new Error(answer.error);
    return answer;
  }

  #submit(entry) {
    const where = { view: entry.id };
    return this.#sending(where, 'submit', () => this.#page.act('submit', { ...where, values: this.#values(where) }));
  }

  #close(entry) {
    const where = { view: entry.id };
    return this.#page.act('close', { ...where, values: this.#values(where) });
  }

  async #sending(where, what, send) {
    const place = this.#place(where);
    const pending = this.#pending.get(place) ?? new Set();
    this.#pending.set(place, pending.add(what));
    this.#page.changed();
    await send();
    pending.delete(what);
    if (!pending.size) this.#pending.delete(place);
    this.#page.changed();
  }

  /** Everything entered in a view, as the server takes it: {block_id: {action_id: raw value}}. */
  #values(where) {
    const prefix = `${this.#place(where)} `;
    const values = {};
    for (const [key, { value }] of this.#entered) {
      if (!key.startsWith(prefix)) continue;
      const [blockID, actionID] = JSON.parse(key.slice(prefix.length));
      (values[blockID] ??= {})[actionID] = value;
    }
    return values;
  }

  #errors(entry) {
    const forgiven = this.#forgiven.get(entry?.errors ?? this);
    if (!forgiven) return entry?.errors ?? {};
    return Object.fromEntries(Object.entries(entry.errors).filter(([blockID]) => !forgiven.has(blockID)));
  }

  /** A new refusal comes with a new object of errors, which nothing is forgiven of yet. */
  #forgive(where, blockID) {
    const errors = this.#page.store.views().find((entry) => entry.id === where.view)?.errors;
    if (errors) this.#forgiven.set(errors, (this.#forgiven.get(errors) ?? new Set()).add(blockID));
  }
}

const elementKey = (place, blockID, element) => `${place} ${elementID(blockID, element)}`;
const elementID = (blockID, element) => JSON.stringify([blockID, element.action_id]);

/** The elements of blocks, by block_id and action_id. */
function elementsOf(blocks) {
  return blocks.flatMap((block) =>
    [block.element, block.accessory, ...(block.elements ?? [])]
      .filter((element) => element?.action_id)
      .map((element) => elementID(block.block_id, element)),
  );
}
