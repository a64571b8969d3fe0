//! The JSON control port of baresip (module ctrl_tcp): netstrings of commands, answers and events.

/** Splits a stream of netstrings (`5:hello,`); whatever is not one ends the reading. */
export class NetstringReader {
  #pending = Buffer.alloc(0)

  push(bytes: Buffer): string[] {
    this.#pending = Buffer.concat([this.#pending, bytes])
    const texts: string[] = []
    for (;;) {
      const colon = this.#pending.indexOf(0x3a)
      if (colon < 0) return texts
      const length = Number(this.#pending.toString('latin1', 0, colon))
      const end = colon + 1 + length
      if (!Number.isInteger(length)) throw new Error('not a netstring')
      if (this.#pending.length < end + 1) return texts
      texts.push(this.#pending.toString('utf8', colon + 1, end))
      this.#pending = this.#pending.subarray(end + 1)
    }
  }
}

export function netstring(text: string): string {
  return `${Buffer.byteLength(text)}:${text},`
}

/** Standard input and output of this script are the control port, seen from outside the namespace. */
export function relayScript(port: number): string {
  return `exec 3<>/dev/tcp/127.0.0.1/${port} && { cat <&3 & cat >&3; kill $!; }`
}
