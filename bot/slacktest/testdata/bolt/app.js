// A small app on Slack's own library, Bolt for JavaScript, in Socket Mode. bolt_test.go walks through it as a
// person: if the simulated workspace strays from what Bolt understands, that test fails.
const { App } = require('@slack/bolt');

const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
});

const plain = (text) => ({ type: 'plain_text', text });

app.command('/pipeline', async ({ ack, body, client }) => {
  await ack();
  await client.views.open({
    trigger_id: body.trigger_id,
    view: {
      type: 'modal',
      callback_id: 'run',
      private_metadata: body.channel_id,
      title: plain('Run a pipeline'),
      submit: plain('Run'),
      close: plain('Cancel'),
      blocks: [
        {
          type: 'input',
          block_id: 'ref',
          label: plain('Ref'),
          element: { type: 'external_select', action_id: 'ref', min_query_length: 1, placeholder: plain('Choose a ref') },
        },
        {
          type: 'input',
          block_id: 'note',
          label: plain('Note'),
          element: { type: 'plain_text_input', action_id: 'note' },
        },
      ],
    },
  });
});

app.options('ref', async ({ ack, options }) => {
  await ack({
    option_groups: [
      { label: plain('Branches'), options: [{ text: plain(`${options.value}-branch`), value: 'b' }] },
      { label: plain('Tags'), options: [{ text: plain(`${options.value}-tag`), value: 't' }] },
    ],
  });
});

app.view('run', async ({ ack, view, body, client }) => {
  const note = view.state.values.note.note.value;
  if (note === 'bad') {
    await ack({ response_action: 'errors', errors: { note: 'Say something else.' } });
    return;
  }
  await ack();
  const ref = view.state.values.ref.ref.selected_option.text.text;
  const channel = view.private_metadata;
  const card = (status, blocks) => ({
    channel,
    text: `${ref} is ${status}`,
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `*${ref}* is ${status}, for <@${body.user.id}>` } }, ...blocks],
  });
  const posted = await client.chat.postMessage(card('created', []));
  await client.chat.update({
    ts: posted.ts,
    ...card('running', [
      { type: 'actions', elements: [{ type: 'button', action_id: 'cancel', text: plain('Cancel'), value: ref, style: 'danger' }] },
    ]),
  });
});

app.action('cancel', async ({ ack, action, body, client, respond }) => {
  await ack();
  await client.chat.update({ channel: body.channel.id, ts: body.message.ts, text: `${action.value} was canceled` });
  await respond({ text: 'Canceled.', replace_original: false });
});

app.start();
