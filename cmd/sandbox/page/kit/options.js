/**
 * What menus offer, and what of it matches: pure functions. A choice is {key, label, description, raw}, where raw is
 * what the state keeps (an option object, or an id); a group is {label, choices}.
 * @module
 */
import { plain } from './emoji.js';

export const isMulti = (element) => element.type.startsWith('multi_');
export const isExternal = (element) => element.type.endsWith('external_select');

/** Two raw values are one choice: options by their value, ids as they are. */
export const keyOf = (raw) => raw?.value ?? raw ?? '';

function ofOption(option) {
  return { key: keyOf(option), label: plain(option.text), description: plain(option.description), raw: option };
}

/**
 * The groups of {options} or {option_groups}: a static menu, or the answer of an app.
 *
 * @param {{options?: Object[], option_groups?: Object[]}} source
 */
export function groupsOf({ options, option_groups: groups }) {
  if (!groups) return [{ label: '', choices: (options ?? []).map(ofOption) }];
  return groups.map((group) => ({ label: plain(group.label), choices: group.options.map(ofOption) }));
}

const sign = { channel: '#', group: '#', im: '', mpim: '' };
const filterNames = { channel: 'public', group: 'private', im: 'im', mpim: 'mpim' };

function ofUser(user) {
  const more = user.real_name === user.name ? '' : user.real_name;
  return { key: user.id, label: user.name, description: more, raw: user.id };
}

function ofChannel(channel, store) {
  return { key: channel.id, label: channelName(channel, store), description: '', raw: channel.id };
}

/** A direct message is called by who else is in it. */
function channelName(channel, store) {
  const others = (channel.members ?? []).filter((id) => id !== store.me()).map((id) => store.user(id)?.name ?? id);
  const isTalk = channel.kind === 'im' || channel.kind === 'mpim';
  return isTalk ? others.join(', ') || channel.name : `${sign[channel.kind] ?? ''}${channel.name}`;
}

/** What Slack itself offers: people, or channels, narrowed by the filter of a conversations menu. */
function workspaceGroups(element, store) {
  const kind = element.type.replace('multi_', '');
  if (kind === 'users_select') return [{ label: '', choices: store.users().map(ofUser) }];
  const { include, exclude_bot_users: noBots, exclude_external_shared_channels: noShared } = element.filter ?? {};
  const wanted = (channel) => {
    if (kind === 'channels_select') return channel.kind === 'channel';
    const botTalk = channel.kind === 'im' && channel.members.some((id) => store.user(id)?.kind === 'bot');
    return (
      (!include || include.includes(filterNames[channel.kind])) && !(noBots && botTalk) && !(noShared && channel.shared)
    );
  };
  return [
    {
      label: '',
      choices: store
        .channels()
        .filter(wanted)
        .map((channel) => ofChannel(channel, store)),
    },
  ];
}

/**
 * What a menu offers without asking the app.
 *
 * @param {Object} element
 * @param {import('./blocks.js').Store} store
 */
export function offered(element, store) {
  return element.options || element.option_groups ? groupsOf(element) : workspaceGroups(element, store);
}

/** How Slack itself narrows a menu: the text contains what was typed, wherever. */
export function matching(groups, query) {
  const wanted = query.trim().toLowerCase();
  const hit = ({ label, description }) => `${label}\n${description}`.toLowerCase().includes(wanted);
  return groups
    .map(({ label, choices }) => ({ label, choices: choices.filter(hit) }))
    .filter(({ choices }) => choices.length > 0);
}

/** The groups with every choice's index in all of the list: an app may offer one value twice. */
export function numbered(groups) {
  let index = 0;
  return groups.map(({ label, choices }) => ({
    label,
    choices: choices.map((choice) => ({ ...choice, index: index++ })),
  }));
}

/**
 * What is chosen, as a person reads it.
 *
 * @param {*} raw  an option object or an id
 * @param {Object} element
 * @param {import('./blocks.js').Store} store
 */
export function chosenLabel(raw, element, store) {
  if (typeof raw === 'object') return plain(raw.text);
  if (element.type.endsWith('users_select')) return store.user(raw)?.name ?? raw;
  const channel = store.channel(raw);
  return channel ? channelName(channel, store) : raw;
}
