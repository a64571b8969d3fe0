//! The instruments of the other tests, without a daemon: two phones that call each other directly.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { analyseTone } from '../../scripts/capture/audio-analysis.ts'
import { Capture } from '../../scripts/capture/capture.ts'
import { figuresOfAll, rtpStreams } from '../../scripts/capture/rtp-analysis.ts'
import { sipMessages } from '../../scripts/capture/sip-analysis.ts'
import { readWav } from '../../scripts/capture/wav.ts'
import { LabNetwork, lanInterface } from '../../scripts/net/netns.ts'
import { Programs } from '../../scripts/net/processes.ts'
import { BaresipPhone } from '../../scripts/phones/baresip.ts'

const talkMs = 3_000

test('two phones alone: no packet lost, no break in the tone, and tshark counts the same', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'vccs-phones-'))
  const network = LabNetwork.create({ members: ['p1', 'p2'], links: [] })
  const programs = new Programs()
  t.teardown(() => {
    programs.close()
    network.close()
    rmSync(directory, { recursive: true })
  })
  const phone = (member: string, user: string, toneHz: number) =>
    BaresipPhone.start({
      programs,
      namespace: network.namespace(member),
      directory: join(directory, member),
      address: network.address(member),
      user,
      toneHz,
      answer: 'manual',
    })
  const [one, two] = await Promise.all([phone('p1', '1001', 437.5), phone('p2', '1002', 612.5)])
  const capture = await Capture.start({
    programs,
    namespace: network.namespace('p2'),
    device: lanInterface,
    file: join(directory, 'p2.pcap'),
  })
  const incoming = two.next('CALL_INCOMING')
  await one.dial(two.uri)
  await incoming
  const established = [one, two].map((each) => each.next('CALL_ESTABLISHED'))
  await two.accept()
  await Promise.all(established)
  await delay(talkMs)
  const closed = two.next('CALL_CLOSED')
  await one.hangUp()
  await closed
  const packets = await capture.stop()
  await Promise.all([one.stop(), two.stop()])

  const streams = rtpStreams(packets)
  t.is(streams.length, 2)
  for (const stream of streams) {
    t.is(figuresOfAll(stream).packetsLost, 0)
    t.is(stream.timestampBreaks, 0)
    t.is(countByTshark(capture.file, stream.name), stream.packets.length)
  }
  const requests = sipMessages(packets).filter((message) => message.status === undefined)
  t.deepEqual(
    requests.map((message) => message.method),
    ['INVITE', 'ACK', 'BYE'],
  )
  for (const [heard, toneHz] of [
    [one, 612.5],
    [two, 437.5],
  ] as const) {
    const [recording = ''] = heard.decodedAudioFiles()
    const { samples } = readWav(recording)
    const tone = analyseTone(samples, { sampleRateHz: 8000, toneHz })
    t.is(tone.discontinuities, 0)
    t.true(tone.toneSamples > (talkMs / 1000 - 0.5) * 8000)
  }
})

/** The same question to an independent program. */
function countByTshark(file: string, streamName: string): number {
  const [from = '', to = ''] = streamName.split('>')
  const [source, sourcePort] = from.split(':')
  const [destination, destinationPort] = to.split(':')
  const filter = [
    `ip.src == ${source} && udp.srcport == ${sourcePort}`,
    `ip.dst == ${destination} && udp.dstport == ${destinationPort}`,
    'rtp && !rtcp',
  ].join(' && ')
  const args = [
    '-r',
    file,
    '-o',
    'rtp.heuristic_rtp:TRUE',
    '-Y',
    filter,
    '-T',
    'fields',
    '-e',
    'rtp.seq',
  ]
  const { stdout } = spawnSync('tshark', args, { encoding: 'utf8' })
  return stdout.split('\n').filter((line) => line !== '').length
}
