/**
 * What the server tells: a flat map of keys, kept up to date by server-sent events. The page reads it and never
 * writes to it.
 * @module
 */

/** A message's place in time; Slack's ts is seconds with six decimals, and its order. */
const byTs = (a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);
const byOrder = (a, b) => (a.order ?? 0) - (b.order ?? 0);

/** Waited before the events are asked for again where the browser has given up, in milliseconds. */
const AGAIN = 3000;

export class Store {
  /** One map for each kind of key, by what is behind the first slash. */
  #kinds = new Map();
  /** The messages of each channel by ts, and in order as long as none came or went. */
  #history = new Map();
  #sorted = new Map();
  #source = null;
  #again = 0;
  #changed;
  #arrived;
  #opened;

  /**
   * What the page may say of its connection: connecting (nothing has come yet), open, or lost.
   * @type {'connecting'|'open'|'lost'}
   */
  connection = 'connecting';

  /** Whether a reset has come: before it there is nothing to draw. */
  ready = false;

  /**
   * @param {() => void} changed is called after each change, also of the connection
   * @param {(message: object) => void} arrived is called with each message that was not there before, but not
   *   with those of a reset
   * @param {() => void} opened is called once, when the first state has come
   */
  constructor(changed, arrived, opened) {
    this.#changed = changed;
    this.#arrived = arrived;
    this.#opened = opened;
  }

  /**
   * Follows the events as this person sees them; '' lets the server choose the person.
   * @param {string} person
   */
  open(person) {
    this.pause();
    const source = new EventSource(`events?as=${encodeURIComponent(person)}`);
    this.#source = source;
    source.onmessage = (event) => this.#apply(JSON.parse(event.data));
    source.onerror = () => {
      this.connection = this.ready ? 'lost' : 'connecting';
      // EventSource gives up by itself on any answer that is no stream, such as that of a person who is gone.
      if (source.readyState === EventSource.CLOSED) {
        const patience = this.ready || !person ? AGAIN : 0;
        this.#again = setTimeout(() => this.open(this.ready ? person : ''), patience);
      }
      this.#changed();
    };
  }

  /** Follows nothing until the next open. What is known stays. */
  pause() {
    clearTimeout(this.#again);
    this.#source?.close();
  }

  #apply({ set = {}, gone = [], reset = false }) {
    this.connection = 'open';
    if (reset) {
      this.#kinds.clear();
      this.#history.clear();
      this.#sorted.clear();
    }
    const fresh = [];
    for (const [key, value] of Object.entries(set)) {
      const isNew = this.#set(key, value);
      if (isNew && !reset && key.startsWith('message/')) fresh.push(value);
    }
    for (const key of gone) this.#delete(key);
    if (reset && !this.ready) {
      this.ready = true;
      this.#opened();
    }
    fresh.sort(byTs).forEach((message) => this.#arrived(message));
    this.#changed();
  }

  #place(key) {
    const [kind, ...rest] = key.split('/');
    if (kind === 'message') {
      this.#sorted.delete(rest[0]);
      return [mapIn(this.#history, rest[0]), rest[1]];
    }
    return [mapIn(this.#kinds, kind), rest.join('/')];
  }

  #set(key, value) {
    const [map, id] = this.#place(key);
    const isNew = !map.has(id);
    map.set(id, value);
    return isNew;
  }

  #delete(key) {
    const [map, id] = this.#place(key);
    map.delete(id);
  }

  #one(kind, id = '') {
    return this.#kinds.get(kind)?.get(id);
  }

  #list(kind) {
    return [...(this.#kinds.get(kind)?.values() ?? [])];
  }

  /** The id of the person acted as. */
  me() {
    return this.#one('me') ?? '';
  }

  /** @param {string} id */
  user(id) {
    return this.#one('user', id);
  }

  users() {
    return this.#list('user');
  }

  /** @param {string} id */
  channel(id) {
    return this.#one('channel', id);
  }

  channels() {
    return this.#list('channel').sort(byOrder);
  }

  workspace() {
    return this.#one('workspace') ?? { team: '', app: {}, commands: [], shortcuts: [], violations: [] };
  }

  /** The app's Home tab, once it has published one. */
  home() {
    return this.#one('home');
  }

  /**
   * All messages of a channel, replies too, oldest first.
   * @param {string} channel
   * @returns {object[]}
   */
  messages(channel) {
    if (!this.#sorted.has(channel)) {
      this.#sorted.set(channel, [...(this.#history.get(channel)?.values() ?? [])].sort(byTs));
    }
    return this.#sorted.get(channel);
  }

  /**
   * @param {string} channel
   * @param {string} ts
   */
  message(channel, ts) {
    return this.#history.get(channel)?.get(ts);
  }

  /** The stack of open modals, the lowest first. */
  views() {
    return this.#list('view').sort((a, b) => a.index - b.index);
  }

  /** Where GitLab is; undefined while there is only Slack, for an app from elsewhere. */
  gitlab() {
    return this.#one('gitlab');
  }

  projects() {
    return this.#list('project').sort(byOrder);
  }

  /** The pipelines, newest first. */
  pipelines() {
    return this.#list('pipeline').sort((a, b) => b.id - a.id);
  }

  levers() {
    return this.#list('lever').sort(byOrder);
  }
}

function mapIn(maps, key) {
  if (!maps.has(key)) maps.set(key, new Map());
  return maps.get(key);
}
