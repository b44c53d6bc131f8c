/**
 * What all elements have in common: ids, names for those who cannot see them, and how a use of them reaches the app.
 * @module
 */
import { nothing } from '../vendor/lit-html.js';
import { confirmDialog } from './confirm.js';
import { plain } from './emoji.js';
import { holdsValue } from './values.js';

/**
 * A DOM id that is the same in every drawing, for labels and to find a field again.
 *
 * @param {import('./blocks.js').Ctx} ctx
 * @param {...string} names  block_id, action_id, what it is
 */
export function domID(ctx, ...names) {
  const { where, key = '' } = ctx;
  // An id with a space in it cannot be named in aria-describedby.
  return ['kit', key, where.view ?? `${where.channel}-${where.ts}`, ...names]
    .map((name) => String(name).replace(/[^\w-]/g, (c) => `_${c.codePointAt(0).toString(16)}_`))
    .join('.');
}

/** What the state of an element in flight is called in Ctx.pending. */
export const isPending = (element, block, ctx) => ctx.pending?.has(`${block.block_id}/${element.action_id}`) ?? false;

/** Whether a use of the element tells the app. */
export const tellsApp = (block) => block.type !== 'input' || block.dispatch_action === true;

/**
 * A person gave an element a value, or pressed it. What wants confirming is asked first.
 *
 * @param {Object} element
 * @param {Object} block
 * @param {import('./blocks.js').Ctx} ctx
 * @param {*} value
 * @returns {Promise<boolean>} false when the person thought better of it
 */
export async function use(element, block, ctx, value) {
  // Without a question nothing is awaited: what was entered must be known before the next drawing.
  if (element.confirm && !(await confirmDialog(element.confirm, ctx))) return false;
  if (holdsValue(element)) ctx.enter(block.block_id, element, value);
  if (tellsApp(block)) ctx.act(block.block_id, element, value);
  return true;
}

/**
 * The attributes that name a field: its label in an input block, else what it says itself.
 *
 * @returns {{id: string, label: *, labelledBy: *, describedBy: *, invalid: *}}
 */
export function naming(element, block, ctx) {
  const id = domID(ctx, block.block_id, element.action_id);
  if (block.type === 'input') {
    const parts = [ctx.errors?.[block.block_id] && 'error', block.hint && 'hint'].filter(Boolean);
    return {
      id,
      label: nothing,
      labelledBy: domID(ctx, block.block_id, 'label'),
      describedBy: parts.map((part) => domID(ctx, block.block_id, part)).join(' ') || nothing,
      invalid: ctx.errors?.[block.block_id] ? 'true' : nothing,
    };
  }
  const words = plain(element.placeholder) || element.type.replaceAll('_', ' ');
  const bySection = block.type === 'section' && block.text;
  return {
    id,
    label: bySection ? nothing : words,
    labelledBy: bySection ? domID(ctx, block.block_id, 'text') : nothing,
    describedBy: nothing,
    invalid: nothing,
  };
}
