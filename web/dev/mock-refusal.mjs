// How the stand-in says no: as the hub does, with a problem document (RFC 9457).

export class Refusal extends Error {
  constructor(status, code, detail) {
    super(detail)
    this.answer = { type: 'about:blank', title: code, status, code, detail, request: '01JD3V8Q2M' }
  }
}
