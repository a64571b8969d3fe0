//! A scenario of sipp from its file: the parts that most messages share, and what a message has to say.

/** `{name}` in a scenario. What somebody sends to open a dialog, or in it, and what he answers. */
const parts: Readonly<Record<string, string>> = {
  outside: `Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:[field0]@[remote_ip]>;tag=[pid]c[call_number]
To: <sip:[field2]@[remote_ip]>
Call-ID: [call_id]
Contact: <sip:[field0]@[local_ip]:[local_port]>`,
  inside: `Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
[routes]
Max-Forwards: 70
From: <sip:[field0]@[remote_ip]>;tag=[pid]c[call_number]
To: <sip:[field2]@[remote_ip]>[peer_tag_param]
Call-ID: [call_id]
Contact: <sip:[field0]@[local_ip]:[local_port]>`,
  answer: `[last_Via:]
[last_From:]
[last_To:];tag=[pid]s[call_number]
[last_Call-ID:]
[last_CSeq:]
[last_Record-Route:]
Contact: <sip:[local_ip]:[local_port]>`,
  reply: `[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port]>`,
  sdp: `Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 53655765 2353687637 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=ptime:20`,
  nothing: `Content-Length: 0

`,
}

/** Whole steps of a scenario. */
const steps: Readonly<Record<string, string>> = {
  progress: `<recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="181" optional="true"/>
  <recv response="182" optional="true"/>
  <recv response="183" optional="true"/>`,
  ack: `<send><![CDATA[
ACK [next_url] SIP/2.0
{inside}
CSeq: [cseq] ACK
{nothing}]]></send>`,
  refused: `<send><![CDATA[
ACK sip:[field2]@[remote_ip] SIP/2.0
[last_Via:]
Max-Forwards: 70
From: <sip:[field0]@[remote_ip]>;tag=[pid]c[call_number]
To: <sip:[field2]@[remote_ip]>[peer_tag_param]
Call-ID: [call_id]
CSeq: [cseq] ACK
{nothing}]]></send>`,
  bye: `<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
{inside}
CSeq: [cseq] BYE
{nothing}]]></send>
  <recv response="200"/>`,
  ok: `<send><![CDATA[
SIP/2.0 200 OK
{reply}
{nothing}]]></send>`,
  voice: '<nop><action><exec play_pcap_audio="voice.pcap"/></action></nop>',
}

/** Those that are not given. */
const defaults: Readonly<Record<string, string>> = {
  before: '',
  expires: '3600',
  more: '',
  media: '',
  checks: '',
  talks: '',
}

/** @param source text of a scenario, with `<has/>` and `<lacks/>` among the actions of what it receives
 * @param values of the places `{name}` */
export function scenarioText(source: string, values: Readonly<Record<string, string>>): string {
  // A comment names the places that it explains.
  const bare = source.replace(/<!--[\s\S]*?-->/g, '')
  let text = filled(filled(bare, { ...defaults, ...values }), steps)
  text = filled(filled(text, parts), { ...defaults, ...values })
  const seen: string[] = []
  text = text.replace(/<(has|lacks) (?:header="([^"]+)" )?text="([^"]*)"\/>/g, (...found) => {
    const [, kind, header, regexp] = found
    const name = `seen${seen.length}`
    seen.push(name)
    const where = header === undefined ? 'search_in="msg"' : `search_in="hdr" header="${header}:"`
    const must = kind === 'has' ? 'check_it="true"' : 'check_it_inverse="true"'
    return `<ereg regexp="${regexp}" ${where} ${must} assign_to="${name}"/>`
  })
  // Without it sipp takes a variable that nobody reads for a fault.
  const reference = seen.length === 0 ? '' : `<Reference variables="${seen.join()}"/>\n`
  return text.replace('</scenario>', `${reference}</scenario>`)
}

/** The actions of a message that is received: each header must be there and match. */
export function says(headers: Readonly<Record<string, string>>, ...texts: string[]): string {
  const each = Object.entries(headers).map(
    ([name, text]) => `<has header="${name}" text="${text}"/>`,
  )
  const whole = texts.map((text) => `<has text="${text}"/>`)
  return `<action>${[...each, ...whole].join('')}</action>`
}

function filled(text: string, values: Readonly<Record<string, string>>): string {
  let result = text
  for (const [name, value] of Object.entries(values)) {
    result = result.replaceAll(`{${name}}`, () => value)
  }
  return result
}
