/**
 * The left column: the workspace, who one acts as, and the conversations that this person sees.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { repeat } from './vendor/directives/repeat.js';
import { avatar, badge, isWithApp, kindOf, nameOf, otherOf, signOf, titleOf } from './people.js';
import { HOME, writeRoute } from './route.js';
import { icon } from './icons.js';
import { setTheme, theme, THEMES } from './theme.js';

/** @param {import('./page.js').Page} page */
export function sidebar(page) {
  const { store } = page;
  const all = store.channels();
  const rooms = all.filter((channel) => channel.kind === 'channel' || channel.kind === 'group');
  const direct = all.filter((channel) => (channel.kind === 'im' || channel.kind === 'mpim') && !isWithApp(store, channel));
  const withApp = all.find((channel) => isWithApp(store, channel));
  return html`<nav class="sidebar" aria-label="Conversations">
    ${head(page)}
    <div class="sidebar-lists">
      ${section('Channels', repeat(rooms, (channel) => channel.id, (channel) => roomItem(page, channel)))}
      ${direct.length
        ? section('Direct messages', repeat(direct, (channel) => channel.id, (channel) => directItem(page, channel)))
        : nothing}
      ${store.workspace().app.user && withApp ? section('Apps', appItem(page, withApp)) : nothing}
    </div>
    ${themeSwitch(page)}
  </nav>`;
}

function head(page) {
  const me = page.store.user(page.store.me());
  const open = (event) => page.menu.toggle(event.currentTarget, 'Act as', people(page));
  return html`<div class="sidebar-head">
    <div class="team">${page.store.workspace().team}</div>
    <button class="person-switch" aria-haspopup="menu" aria-expanded="false" @click=${open}>
      ${avatar(me, 'm')}
      <span class="person-words"><span class="person-as">Acting as</span> ${nameOf(me)}</span>
      ${badge(me)} ${icon('down')}
    </button>
  </div>`;
}

function people(page) {
  return page.store
    .users()
    .filter((user) => user.kind !== 'bot')
    .map((user) => ({
      label: nameOf(user),
      badge: kindOf(user),
      before: avatar(user, 'm'),
      checked: user.id === page.store.me(),
      run: () => page.actAs(user.id),
    }));
}

function section(title, items) {
  const id = `section-${title.split(' ')[0].toLowerCase()}`;
  return html`<section class="sidebar-section">
    <h2 id=${id}>${title}</h2>
    <ul aria-labelledby=${id}>${items}</ul>
  </section>`;
}

function roomItem(page, channel) {
  return item(page, channel, {
    sign: signOf(channel),
    title: titleOf(page.store, channel),
    kind: channel.kind === 'group' ? 'private channel' : 'channel',
    after: channel.shared ? html`<span class="badge">External</span>` : nothing,
  });
}

function directItem(page, channel) {
  const other = otherOf(page.store, channel);
  const sign = other ? pictured(other, other.id === page.store.me()) : icon('people');
  return item(page, channel, {
    sign,
    title: titleOf(page.store, channel) + (other?.id === page.store.me() ? ' (you)' : ''),
    kind: 'direct message',
    after: badge(other),
  });
}

/** The conversation with the app, which its Home tab is a part of. */
function appItem(page, channel) {
  const { app, connections } = page.store.workspace();
  const look = {
    sign: pictured(page.store.user(app.user), connections > 0),
    title: app.name,
    kind: connections > 0 ? 'app, connected' : 'app, not connected',
    places: app.home ? [HOME, channel?.id] : [channel?.id],
  };
  return channel ? item(page, channel, look) : nothing;
}

/** Who is acted as is there, and so is an app that has a connection; the others are away. */
function pictured(user, present) {
  return html`<span class="pictured">${avatar(user, 's')}<span class="presence ${present ? 'present' : ''}"></span></span>`;
}

function item(page, channel, { sign, title, kind, after = nothing, places = [channel.id] }) {
  const current = places.includes(page.route.place);
  const unread = page.reads.unread(channel);
  const news = unread.mentions ? `, ${unread.mentions} to you` : unread.messages ? ', unread' : '';
  return html`<li>
    <a
      class="sidebar-item ${unread.messages ? 'unread' : ''}"
      href=${writeRoute({ person: page.store.me(), place: places[0], thread: '' })}
      aria-current=${current ? 'page' : nothing}
      @click=${() => page.show('messages')}
    >
      ${sign}
      <span class="sidebar-title">${title}</span><span class="visually-hidden">, ${kind}${news}</span>
      ${after}
      ${unread.mentions ? html`<span class="mentions" aria-hidden="true">${unread.mentions}</span>` : nothing}
    </a>
  </li>`;
}

function themeSwitch(page) {
  const choose = (event) => {
    setTheme(event.target.value);
    page.changed();
  };
  return html`<fieldset class="themes" @change=${choose}>
    <legend class="visually-hidden">Colours</legend>
    ${THEMES.map(
      (name) => html`<label>
        <input type="radio" name="theme" value=${name} .checked=${theme() === name} /><span>${name}</span>
      </label>`,
    )}
  </fieldset>`;
}
