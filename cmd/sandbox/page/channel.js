/**
 * The open conversation: its head, its messages, and where one writes.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { home } from './home.js';
import { inChannel, messageRows, moveAmongMessages } from './messages.js';
import { fullTitleOf, isWithApp, otherOf, avatar, badge, signOf, titleOf } from './people.js';
import { HOME, writeRoute } from './route.js';
import { icon } from './icons.js';

/** @param {import('./page.js').Page} page */
export function channelPane(page) {
  const { store, route } = page;
  const channel = page.channel();
  if (!channel) return html`<main class="channel" id="main" tabindex="-1" aria-label="No conversation"></main>`;
  const withApp = isWithApp(store, channel);
  return html`<main class="channel" id="main" tabindex="-1" aria-label=${fullTitleOf(store, channel)}>
    ${header(page, channel, withApp)}
    ${route.place === HOME ? home(page) : conversation(page, channel, withApp)} ${botHint(page)}
  </main>`;
}

function header(page, channel, withApp) {
  const { store } = page;
  const other = otherOf(store, channel);
  const people = `${channel.members.length} ${channel.members.length === 1 ? 'member' : 'members'}`;
  return html`<header class="pane-head">
    <h1 id="channel-title" tabindex="-1">
      ${other ? avatar(other, 'm') : signOf(channel)} <span class="pane-title">${titleOf(store, channel)}</span> ${badge(other)}
    </h1>
    ${withApp ? tabs(page, channel) : nothing}
    ${other ? nothing : html`<span class="members" title=${names(store, channel)}>${icon('people')} ${people}</span>`}
    ${page.side.button()}
  </header>`;
}

function names(store, channel) {
  return channel.members.map((id) => store.user(id)?.real_name ?? id).join(', ');
}

/** The conversation with the app has a Home tab beside it, if the app's manifest says so. */
function tabs(page, channel) {
  const { app } = page.store.workspace();
  if (!app.home) return nothing;
  const tab = (place, title) => html`<a
    href=${writeRoute({ person: page.store.me(), place, thread: '' })}
    aria-current=${page.route.place === place ? 'page' : nothing}
    >${title}</a
  >`;
  return html`<div class="tabs" role="group" aria-label=${app.name}>${tab(HOME, 'Home')} ${tab(channel.id, 'Messages')}</div>`;
}

function conversation(page, channel, withApp) {
  const { store } = page;
  const messages = page.notes.among(channel.id, store.messages(channel.id).filter(inChannel));
  const where = { channel: channel.id, list: 'channel', thread: false };
  const news = page.news(channel.id);
  const closed = withApp && !store.workspace().app.messages;
  return html`
    <div class="scroller" id="messages" data-key="${store.me()}/${channel.id}" @atend=${page.changed}>
      <div class="history">
        ${beginning(page, channel, withApp, closed)}
        <ol class="messages" role="list" tabindex="0" aria-label="Messages in ${fullTitleOf(store, channel)}"
          @keydown=${moveAmongMessages}>
          ${messageRows(page, messages, where)}
        </ol>
      </div>
    </div>
    ${news
      ? html`<button class="news" @click=${() => page.scrolls.channel.toEnd()}>
          ${icon('arrow')} ${news === 1 ? '1 new message' : `${news} new messages`}
        </button>`
      : nothing}
    ${closed
      ? html`<p class="closed">Sending messages to this app has been turned off.</p>`
      : page.composers.channel.render({ channel, thread: '', label: `Message ${fullTitleOf(store, channel)}` })}
  `;
}

/** What stands above the first message. */
function beginning(page, channel, withApp, closed) {
  const { store } = page;
  const title = fullTitleOf(store, channel);
  const commands = store.workspace().commands.filter((command) => !command.built_in);
  return html`<div class="beginning" data-row>
    <h2>${title}</h2>
    <p>
      ${channel.kind === 'im' || channel.kind === 'mpim'
        ? html`This is the very beginning of your direct messages with <b>${titleOf(store, channel)}</b>.`
        : html`This is the very beginning of the <b>${title}</b> channel.`}
      ${!channel.app_in && !withApp && channel.kind !== 'channel'
        ? html`${store.workspace().app.name} is not in this conversation.`
        : nothing}
    </p>
    ${commands.length && !closed
      ? html`<p class="try">
          ${commands.map(
            (command) => html`<button class="chip-button" @click=${() => page.composers.channel.offer(`${command.command} `)}>
              <code>${command.command}</code> ${command.description}
            </button>`,
          )}
        </p>`
      : nothing}
  </div>`;
}

/** At the bottom: why nothing may happen. */
function botHint(page) {
  const { app, bot, connections } = page.store.workspace();
  if (page.store.connection !== 'open') return nothing; // the page's own hint says so
  if (bot === 'stopped') {
    return html`<p class="hint" role="status">
      ${icon('warn')} ${app.name} is stopped.
      <button class="link-button" @click=${() => page.pull('stop-bot', false)}>Start it again</button>
    </p>`;
  }
  if (bot === 'elsewhere' && !connections) {
    return html`<p class="hint" role="status">
      ${icon('warn')} ${app.name} is not connected.
      <button class="link-button" @click=${() => page.side.open('gitlab')}>How to connect it</button>
    </p>`;
  }
  return nothing;
}
