/**
 * The page: what its parts share, and one drawing per frame.
 * @module
 */
import { render } from './vendor/lit-html.js';
import { send } from './api.js';
import { Announcer } from './announcer.js';
import { Composer } from './composer.js';
import { Interactions } from './interactions.js';
import { layout } from './layout.js';
import { Menu } from './menu.js';
import { inChannel } from './messages.js';
import { Notes } from './notes.js';
import { fullTitleOf, isWithApp } from './people.js';
import { HOME, readRoute, writeRoute } from './route.js';
import { Reads } from './reads.js';
import { Scroll } from './scroll.js';
import { Side } from './side.js';
import { Store } from './store.js';
import { Toasts } from './toasts.js';

const phone = matchMedia('(max-width: 699.98px)'); // as shell.css has it
const touch = matchMedia('(pointer: coarse)');

export class Page {
  /** Where the page is: person, place, thread. */
  route = readRoute(location.hash);
  /** The pane that a phone shows. @type {'chats'|'messages'|'gitlab'} */
  pane = 'messages';
  /** The project that alone is shown, by its id; 0 shows all. */
  project = 0;
  /** The pipelines whose jobs are shown, by id. */
  expanded = new Set();
  /** The levers that are being pulled, by id: stopping the bot, for one, takes a moment. */
  pulling = new Set();

  #root = document.getElementById('app');
  #frame = 0;
  #focus = ''; // the id of what gets the focus once it is drawn
  #modals = 0; // how many were open at the last drawing
  #news = { channel: '', count: 0 }; // messages that came while the reader was not at the end

  /** Asks for the page to be drawn anew, with the next frame. */
  changed = () => {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  };

  store = new Store(
    this.changed,
    (message) => this.#arrived(message),
    () => this.#opened(),
  );
  reads = new Reads(this.store);
  notes = new Notes(this.store, this.changed);
  toasts = new Toasts(this.changed);
  menu = new Menu(this.changed);
  kit = new Interactions(this);
  side = new Side(this);
  composers = { channel: new Composer(this, 'composer'), thread: new Composer(this, 'thread-composer') };
  scrolls = { channel: new Scroll('messages'), thread: new Scroll('replies') };
  announcer = new Announcer(this.store);

  start() {
    addEventListener('hashchange', () => this.#routed(readRoute(location.hash)));
    document.addEventListener('visibilitychange', this.#follow);
    this.#follow();
  }

  /** A browser has six connections to one server: tabs that nobody sees would leave none to act with. */
  #follow = () => {
    if (document.hidden) this.store.pause();
    else this.store.open(this.route.person);
    this.changed();
  };

  /** The conversation that is open; the app's Home tab belongs to the one with the app. */
  channel() {
    const { store, route } = this;
    if (route.place !== HOME) return store.channel(route.place);
    return store.channels().find((channel) => isWithApp(store, channel));
  }

  /** Goes elsewhere. @param {Partial<Page['route']>} where */
  go(where) {
    this.show('messages');
    location.hash = writeRoute({ ...this.route, ...where });
  }

  /** Becomes another person. @param {string} person */
  actAs(person) {
    location.hash = writeRoute({ ...this.route, person, thread: '' });
  }

  /** @param {string} channel @param {string} ts of the first message */
  openThread(channel, ts) {
    this.side.drawer = false; // the thread is in its place
    this.go({ place: channel, thread: ts });
    this.focus(touch.matches ? 'thread-title' : 'thread-composer');
  }

  closeThread() {
    this.go({ thread: '' });
    this.#focusConversation();
  }

  /** Closes what was opened last, as Escape does. */
  closeOne() {
    if (this.route.thread) this.closeThread();
    else if (this.side.drawer) this.side.close();
  }

  /** Shows a pane, where there is room for one only. @param {Page['pane']} pane */
  show(pane) {
    this.pane = pane;
    this.changed();
  }

  /** Shows or hides the jobs of a pipeline. @param {number} id */
  expand(id) {
    if (!this.expanded.delete(id)) this.expanded.add(id);
    this.changed();
  }

  /** @param {string} id of a lever @param {boolean} on */
  async pull(id, on) {
    if (this.pulling.has(id)) return;
    this.pulling.add(id);
    this.changed();
    await this.act('lever', { id, on });
    this.pulling.delete(id);
    this.changed();
  }

  /** Gives the focus to an element as soon as it is there. @param {string} id */
  focus(id) {
    this.#focus = id;
    this.changed();
  }

  /** Does something as the person; the answer says what came of it. */
  ask(action, body) {
    return send(action, { as: this.store.me(), ...body });
  }

  /** Does something as the person, and tells them if it failed. */
  async act(action, body) {
    const answer = await this.ask(action, body);
    if (!answer.ok) this.toasts.warn(answer.error);
    return answer;
  }

  /** How many messages have come below what the reader sees. @param {string} channel */
  news(channel) {
    if (this.scrolls.channel.atEnd) this.#news = { channel, count: 0 };
    return this.#news.channel === channel ? this.#news.count : 0;
  }

  #opened() {
    this.#root.replaceChildren(); // what stood there meanwhile
    this.reads.start();
    if (this.route.place === HOME) this.ask('home', {}); // whether the app listens is none of the person's business
    if (!touch.matches) this.focus('composer');
  }

  #arrived(message) {
    const { route, store } = this;
    if (message.channel !== this.channel()?.id) return;
    const here = route.place !== HOME && inChannel(message);
    const inThread = route.thread && message.thread_ts === route.thread;
    if (message.user === store.me() && !message.ephemeral) {
      if (here) this.scrolls.channel.toEnd();
      if (inThread) this.scrolls.thread.toEnd();
      return;
    }
    if (here || inThread) this.announcer.say(message);
    if (here && !this.scrolls.channel.atEnd) this.#news = { channel: message.channel, count: this.news(message.channel) + 1 };
  }

  #routed(route) {
    const before = this.route;
    this.route = route;
    if (route.person !== before.person) this.store.open(route.person);
    const toHome = route.place === HOME && (before.place !== HOME || before.person !== route.person);
    if (toHome) this.ask('home', { as: route.person });
    if (route.place !== before.place && !touch.matches) this.focus('composer');
    this.changed();
  }

  /** An address may name what the person does not see, or nothing. */
  #settleRoute() {
    const { store, route } = this;
    const person = store.me();
    // A reset that is under way will make it true.
    if (route.person && route.person !== person && store.user(route.person)) return;
    const place = this.channel() ? route.place : store.channels()[0]?.id ?? '';
    const thread = place === route.place ? route.thread : '';
    if (person === route.person && place === route.place) return;
    this.route = { person, place, thread };
    history.replaceState(null, '', writeRoute(this.route));
  }

  /** On phones the keyboard would cover what has just come. */
  #focusConversation() {
    this.focus(touch.matches ? 'channel-title' : 'composer');
  }

  #draw() {
    this.#frame = 0;
    const { store } = this;
    if (!store.ready) return;
    this.#settleRoute();
    const views = store.views();
    this.kit.prune([...views, ...(store.home() ? [{ id: store.home().view.id, view: store.home().view }] : [])]);
    this.#markRead();
    Object.values(this.scrolls).forEach((scroll) => scroll.before());
    render(layout(this, views.at(-1) ?? null), this.#root);
    Object.values(this.scrolls).forEach((scroll) => scroll.drawn());
    Object.values(this.composers).forEach((composer) => composer.drawn());
    this.menu.drawn();
    this.toasts.drawn();
    document.title = `${this.channel() ? fullTitleOf(store, this.channel()) : ''} · ${store.workspace().team} sandbox`;
    if (this.#modals && !views.length) this.#focusConversation();
    this.#modals = views.length;
    queueMicrotask(() => this.#moveFocus()); // a modal that closes does so just before
  }

  #moveFocus() {
    const element = document.getElementById(this.#focus);
    if (!element) return;
    this.#focus = '';
    element.focus();
  }

  #markRead() {
    const channel = this.channel();
    if (!channel || this.route.place === HOME || document.hidden) return;
    if (phone.matches && this.pane !== 'messages') return;
    this.reads.mark(channel.id);
  }
}
