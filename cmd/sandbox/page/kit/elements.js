/**
 * Elements by their type (https://docs.slack.dev/reference/block-kit/block-elements).
 * @module
 */
import { button, feedbackButtons, iconButton, workflowButton } from './button.js';
import { checkboxes, radioButtons } from './choices.js';
import { picture } from './media.js';
import { overflow } from './overflow.js';
import { datepicker, datetimepicker, timepicker } from './pickers.js';
import { select } from './select.js';
import { textInput } from './text_input.js';
import { text } from './text.js';
import { unknown } from './unknown.js';

const kinds = {
  button,
  checkboxes,
  datepicker,
  datetimepicker,
  feedback_buttons: feedbackButtons,
  icon_button: iconButton,
  overflow,
  radio_buttons: radioButtons,
  timepicker,
  workflow_button: workflowButton,
  image: (element) => picture(element),
  mrkdwn: (element, block, ctx) => text(element, ctx),
  plain_text: (element, block, ctx) => text(element, ctx),
};

for (const kind of ['static_select', 'external_select', 'users_select', 'channels_select', 'conversations_select']) {
  kinds[kind] = select;
  kinds[`multi_${kind}`] = select;
}

for (const kind of ['plain_text_input', 'email_text_input', 'url_text_input', 'number_input', 'rich_text_input']) {
  kinds[kind] = textInput;
}

/**
 * Draws one element of a block.
 *
 * @param {Object} element
 * @param {Object} block  the block it stands in
 * @param {import('./blocks.js').Ctx} ctx
 */
export const draw = (element, block, ctx) =>
  Object.hasOwn(kinds, element.type) ? kinds[element.type](element, block, ctx) : unknown('Element', element);
