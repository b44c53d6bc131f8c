/**
 * The texts of Slack, for templates. Each is a pure function of the text and the Ctx, of which it needs store, tz
 * and openChannel only. Nothing that somebody typed is ever HTML.
 * @module
 */
import { mrkdwn } from './mrkdwn.js';
import { emojiIn } from './emoji.js';

export { mrkdwn } from './mrkdwn.js';
export { richText } from './rich_text.js';
export { emoji } from './emoji.js';

/**
 * A text object (https://docs.slack.dev/reference/block-kit/composition-objects/text-object): plain_text or mrkdwn.
 *
 * @param {{type: string, text: string, emoji: boolean, verbatim: boolean}} [object]
 * @param {import('./blocks.js').Ctx} ctx
 */
export function text(object, ctx) {
  if (object?.type === 'mrkdwn') return mrkdwn(object.text, ctx, object);
  return object?.emoji === false ? object.text : emojiIn(object?.text ?? '');
}
