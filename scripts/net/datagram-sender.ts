//! Runs in a namespace and sends what it reads: one line per datagram, `HOST PORT BASE64`.
//! Usage: node datagram-sender.ts [FROM-ADDRESS FROM-PORT]
import { createSocket } from 'node:dgram'
import { createInterface } from 'node:readline'

const socket = createSocket('udp4')
// An ICMP error must not end the rest.
socket.on('error', () => undefined)
const [address, port] = process.argv.slice(2)
if (address !== undefined) {
  await new Promise<void>((bound) => socket.bind(Number(port), address, bound))
}

for await (const line of createInterface({ input: process.stdin })) {
  const [host = '', port = '', content = ''] = line.split(' ')
  const bytes = Buffer.from(content, 'base64')
  await new Promise((resolve) => socket.send(bytes, Number(port), host, resolve))
}
socket.close()
