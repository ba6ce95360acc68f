// A client with Node's package @modelcontextprotocol/sdk: prints what it saw as one
// JSON document.
// usage: client.mjs <directory of node_modules> <server> [<argument>...]
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, command, ...args] = process.argv.slice(2);
const require = createRequire(modules + '/');
const load = (name) => import(pathToFileURL(require.resolve('@modelcontextprotocol/sdk/' + name)));
const { Client } = await load('client/index.js');
const { StdioClientTransport } = await load('client/stdio.js');

const transport = new StdioClientTransport({ command, args, env: process.env, cwd: process.cwd() });
let protocol;
transport.setProtocolVersion = (version) => { protocol = version; };
const client = new Client({ name: 'test', version: '1' });
await client.connect(transport);
const saw = { protocol, server: client.getServerVersion().name };
saw.tools = (await client.listTools()).tools.map((t) => t.name);
saw.resources = (await client.listResources()).resources.map((r) => r.uri);
saw.prompts = (await client.listPrompts()).prompts.map((p) => p.name);
const call = async (name, values) => {
  const answer = await client.callTool({ name, arguments: values });
  return { text: answer.content[0].text, failed: !!answer.isError, structured: answer.structuredContent };
};
saw.new = await call('new', { title: 'from a client', priority: 'high', labels: ['bug'] });
saw.refused = await call('new', { titel: 'x' });
saw.show = await call('show', { ids: ['1'] });
const many = await Promise.all([...Array(10).keys()].map((n) => call('comment', { id: '1', text: 'comment ' + n })));
saw.many = many.filter((a) => !a.failed).length;
saw.resource = (await client.readResource({ uri: 'crosslink://issue/1' })).contents[0].text;
saw.prompt = (await client.getPrompt({ name: 'work', arguments: { id: '1' } })).messages[0].content.text;
saw.unknown = await client.callTool({ name: 'no_such_tool', arguments: {} }).then(() => 'no error', (e) => String(e.message));
await client.close();
console.log(JSON.stringify(saw));
