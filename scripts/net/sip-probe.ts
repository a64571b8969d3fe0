//! Runs in a namespace of its own and asks the service address with OPTIONS again and again. A
//! capture of its interface shows from when on which node answers.
//! Usage: node sip-probe.ts OWN-ADDRESS SERVICE-ADDRESS PORT EVERY-MS
import { createSocket } from 'node:dgram'

const [own = '', server = '', port = '5060', everyMs = '10'] = process.argv.slice(2)
const socket = createSocket('udp4')
let count = 0

function options(): string {
  count += 1
  const lines = [
    `OPTIONS sip:${server}:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP ${own}:${socket.address().port};branch=z9hG4bKprobe${process.pid}x${count}`,
    'Max-Forwards: 70',
    `From: <sip:probe@${own}>;tag=probe${process.pid}`,
    `To: <sip:${server}:${port}>`,
    `Call-ID: probe${process.pid}x${count}@${own}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

socket.on('error', () => undefined)
socket.bind(0, own, () => {
  process.stdout.write('probing\n')
  setInterval(() => socket.send(options(), Number(port), server), Number(everyMs))
})
