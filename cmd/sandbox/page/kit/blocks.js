/**
 * Block Kit (https://docs.slack.dev/reference/block-kit): draws the blocks of any app, in messages, modals and the
 * Home tab. The kit keeps no data of its own: what it draws comes from the blocks and from the page's Ctx, and what
 * people do goes to the page through the functions of the Ctx.
 * @module
 */
import { html, nothing } from '../vendor/lit-html.js';
import { repeat } from '../vendor/directives/repeat.js';
import { draw } from './elements.js';
import { plain } from './emoji.js';
import { icon } from './icons.js';
import { markdown } from './markdown.js';
import { imageBlock, remoteFile, video } from './media.js';
import { richText } from './rich_text.js';
import { table } from './table.js';
import { text } from './text.js';
import { guarded, unknown } from './unknown.js';
import { domID } from './use.js';

export { attachments } from './attachments.js';

/**
 * What the page gives the kit with every drawing. A new object each time is fine; nothing of it is kept.
 *
 * @typedef {Object} Ctx
 * @property {{channel: string, ts: string}|{view: string}} where  what holds the blocks
 * @property {string} [key]  part of the DOM ids; needed where one message is drawn twice (channel and thread)
 * @property {Store} store
 * @property {string} tz  IANA name of the zone in which dates are read
 * @property {(blockID: string, element: Object) => *} values  the current raw value of an element: what was
 *   entered here, else currentValue(element, state entry) of values.js
 * @property {(blockID: string, element: Object, value: *) => void} enter  a value was entered. Synchronous: values()
 *   returns it from now on. The page may forget the error of that block.
 * @property {(blockID: string, element: Object, value: *) => void} act  the element was used and the app is to be
 *   told; after enter() where the element holds a value. The kit calls it for an element in an input block only
 *   where that block has dispatch_action, and asks what "confirm" wants asked before. value as in values(); null for
 *   a button, the option object for an overflow menu, the value string for a feedback button.
 * @property {(blockID: string, element: Object, query: string) => Promise<{options: Object[]}|{option_groups: Object[]}>} suggest
 *   rejects with an Error whose message is a sentence for the person; without one the kit says that the app did not
 *   answer in time
 * @property {Object<string, string>} [errors]  block_id -> sentence, of a refused submission
 * @property {Set<string>} [pending]  "block_id/action_id" of what was sent and not acknowledged yet
 * @property {(channelID: string) => void} openChannel  a mention of a channel was clicked
 */

/**
 * Read access to the workspace. An id that is unknown gives undefined.
 *
 * @typedef {Object} Store
 * @property {() => string} me  the id of the person who looks
 * @property {(id: string) => {id: string, name: string, real_name: string, kind: string}|undefined} user
 * @property {(id: string) => {id: string, name: string, kind: string, members: string[], shared: boolean}|undefined} channel
 * @property {() => Object} workspace
 * @property {() => Object[]} users  everybody, in the order of the menus
 * @property {() => Object[]} channels  those that the person may see
 */

/**
 * Draws blocks one under the other.
 *
 * @param {Object[]} list  blocks as the app sent them
 * @param {Ctx} ctx
 */
export function blocks(list, ctx) {
  return html`<div class="kit-blocks">
    ${repeat(list ?? [], keys(), (block) => html`<div class="kit-block">${one(block, ctx)}</div>`)}
  </div>`;
}

/**
 * What makes a block the same one after an update: then what was typed, the focus and the scroll stay. A field of
 * another type, or of another action_id, is another field.
 */
function keys() {
  const seen = new Map();
  return (block, index) => {
    const { type, action_id: action } = block.element ?? {};
    const key = JSON.stringify([block.block_id ?? index, block.type, type, action]);
    const times = seen.get(key) ?? 0;
    seen.set(key, times + 1);
    return times ? `${key} ${times}` : key;
  };
}

const kinds = {
  actions: (block, ctx) => html`<div class="kit-actions">${elementsOf(block, ctx)}</div>`,
  context,
  context_actions: (block, ctx) => html`<div class="kit-actions kit-tight">${elementsOf(block, ctx)}</div>`,
  divider: () => html`<hr class="kit-divider" />`,
  file: remoteFile,
  header: (block, ctx) => html`<h3 class="kit-header">${text(block.text, ctx)}</h3>`,
  image: imageBlock,
  input,
  markdown: (block, ctx) => markdown(block.text, ctx),
  rich_text: (block, ctx) => richText(block.elements, ctx),
  section,
  table,
  video,
};

function one(block, ctx) {
  if (!Object.hasOwn(kinds, block.type)) return unknown('Block', block);
  return guarded('Block', block, () => kinds[block.type](block, ctx));
}

const elementsOf = (block, ctx) =>
  repeat(
    block.elements,
    ({ action_id: id, type }, i) => `${id ?? i} ${type}`,
    (element) => draw(element, block, ctx),
  );

function section(block, ctx) {
  const id = domID(ctx, block.block_id, 'text');
  const main = block.text ? html`<div class="kit-text" id=${id}>${text(block.text, ctx)}</div>` : nothing;
  const field = (words) => html`<div class="kit-text">${text(words, ctx)}</div>`;
  const fields = block.fields ? html`<div class="kit-fields">${block.fields.map(field)}</div>` : nothing;
  if (!block.accessory) return html`${main}${fields}`;
  const look = block.accessory.type === 'image' ? 'kit-section kit-with-image' : 'kit-section';
  return html`<div class=${look}>
    <div class="kit-section-body">${main}${fields}</div>
    <div class="kit-accessory">${draw(block.accessory, block, ctx)}</div>
  </div>`;
}

function context(block, ctx) {
  return html`<div class="kit-context">
    ${block.elements.map((element) => html`<div class="kit-context-${element.type}">${draw(element, block, ctx)}</div>`)}
  </div>`;
}

function input(block, ctx) {
  const { block_id: id, label, hint, optional, element } = block;
  const error = ctx.errors?.[id];
  const [labelID, hintID, errorID] = ['label', 'hint', 'error'].map((part) => domID(ctx, id, part));
  const words = html`${plain(label)}${optional ? html` <span class="kit-muted">(optional)</span>` : nothing}`;
  // Checkboxes and radio buttons have labels of their own; this one is for all of them.
  const isGroup = element.type === 'checkboxes' || element.type === 'radio_buttons';
  return html`<div class="kit-input ${error ? 'kit-wrong' : ''}">
    ${
      isGroup
        ? html`<div class="kit-label" id=${labelID}>${words}</div>`
        : html`<label class="kit-label" id=${labelID} for=${domID(ctx, id, element.action_id)}>${words}</label>`
    }
    ${draw(element, block, ctx)}
    ${error ? html`<div class="kit-error" id=${errorID}>${icon('warn')}<span>${error}</span></div>` : nothing}
    ${hint ? html`<div class="kit-hint" id=${hintID}>${text(hint, ctx)}</div>` : nothing}
  </div>`;
}
