/**
 * What the composer offers while one types: the commands, and the people behind an @.
 * @module
 */
import { html, nothing } from './vendor/lit-html.js';
import { avatar, badge, nameOf } from './people.js';

/**
 * @typedef {object} Offer
 * @property {'Commands'|'People'} title
 * @property {number} from where the text to be replaced begins; it ends at the caret
 * @property {{text: string, look: unknown}[]} options of which one replaces it
 */

const AT_MOST = 8;

/**
 * @param {import('./store.js').Store} store
 * @param {string} text
 * @param {number} caret
 * @param {boolean} inThread where Slack has no commands
 * @returns {Offer|null}
 */
export function offer(store, text, caret, inThread) {
  const typed = text.slice(0, caret);
  const command = /^\/\S*$/.exec(typed);
  if (command && !inThread) {
    const known = store.workspace().commands.filter((one) => one.command.startsWith(command[0]));
    return some('Commands', 0, known.map(commandOption));
  }
  const mention = /(?:^|\s)@([\p{L}\p{N}._-]*)$/u.exec(typed);
  if (mention) {
    const begun = mention[1].toLowerCase();
    const words = (user) => `${user.name} ${nameOf(user)}`.toLowerCase().split(/\s/);
    const people = store.users().filter((user) => words(user).some((word) => word.startsWith(begun)));
    return some('People', caret - mention[1].length - 1, people.map(personOption));
  }
  return null;
}

function some(title, from, options) {
  return options.length ? { title, from, options: options.slice(0, AT_MOST) } : null;
}

function commandOption({ command, description, usage_hint: usage }) {
  return {
    text: `${command} `,
    look: html`<span class="option-command">${command}</span>
      ${usage ? html`<span class="option-usage">${usage}</span>` : nothing}
      <span class="option-detail">${description}</span>`,
  };
}

function personOption(user) {
  return {
    text: `@${user.name} `,
    look: html`${avatar(user, 's')} <b>${nameOf(user)}</b> ${badge(user)} <span class="option-usage">@${user.name}</span>`,
  };
}
