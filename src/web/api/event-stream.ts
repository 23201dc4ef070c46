/**
 * Reads server-sent events out of text as it comes. Knows the format and nothing of the network.
 */

export interface StreamEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Feed it text, get whole events; an event that is cut off waits for its rest. */
export class EventReader {
  #rest = '';
  #lastId = '';

  read(text: string): readonly StreamEvent[] {
    const blocks = (this.#rest + text).replaceAll('\r\n', '\n').split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => this.#parse(block));
  }

  #parse(block: string): readonly StreamEvent[] {
    let event = 'message';
    const data: string[] = [];
    for (const line of block.split('\n')) {
      const [, name, value] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
      if (name === 'event') event = value ?? '';
      else if (name === 'data') data.push(value ?? '');
      else if (name === 'id') this.#lastId = value ?? '';
    }
    return data.length === 0 ? [] : [{ id: this.#lastId, event, data: data.join('\n') }];
  }
}
