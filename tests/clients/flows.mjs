// Supabase's own client, told by JSON lines what to do: {call, client, options} makes one, {call, client, method, args}
// calls a method of it by its path. Each line is answered by {value} or {error}.
import readline from 'node:readline';
import { createClient } from '@supabase/supabase-js';

const clients = new Map();
// Node 20 has no WebSocket, and the client insists on one although nothing here listens.
const realtime = { transport: class {} };

async function answer({ client, make, method, args }) {
  if (make) {
    clients.set(client, createClient(make.url, make.key, { ...make.options, realtime }));
    return { value: null };
  }
  const path = method.split('.');
  const name = path.pop();
  const owner = path.reduce((found, part) => found[part], clients.get(client));
  const { data, error } = await owner[name](...args);
  if (error) {
    const { code, status, message, name: kind, reasons } = error;
    return { error: { code, status, message, kind, reasons } };
  }
  return { value: data ?? null };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  const told = await answer(JSON.parse(line)).catch((thrown) => ({ thrown: String(thrown.stack ?? thrown) }));
  console.log(JSON.stringify(told));
}
