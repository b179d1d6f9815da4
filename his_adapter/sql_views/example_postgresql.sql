-- What a HIS vendor's engineer gets: the views and procedures that tiepdon's adapter `sql_views`
-- asks for, on an invented HIS. Schema `his` stands for the vendor's own tables; schema `tiepdon`
-- is what is agreed in writing. Keep the names and columns of `tiepdon`, replace what is behind.
--
-- The account of tiepdon gets USAGE on schema tiepdon, SELECT on its views, EXECUTE on its
-- functions, and nothing on `his`.

CREATE SCHEMA his;
CREATE SCHEMA tiepdon;

-- ------------------------------------------------------------------ the vendor's own tables

CREATE FUNCTION his.clock() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';

CREATE TABLE his.patient (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version int NOT NULL DEFAULT 1,
    full_name text NOT NULL, birth_date text, gender text, id12 text UNIQUE, cmnd9 text,
    bhyt15 text UNIQUE, bhxh10 text UNIQUE, passport text UNIQUE,
    phone text, address text, guardian text, merged_into bigint REFERENCES his.patient);
CREATE INDEX ON his.patient (cmnd9);
CREATE INDEX ON his.patient (left(birth_date, 4));
CREATE TABLE his.department (id text PRIMARY KEY, code text, name_vi text, name_en text, place int);
CREATE TABLE his.room (id text PRIMARY KEY, code text, name_vi text, name_en text,
    department text REFERENCES his.department, floor text, landmark_vi text, landmark_en text);
CREATE TABLE his.service (id text PRIMARY KEY, code text UNIQUE, name_vi text, name_en text,
    kind text, department text REFERENCES his.department, rooms text, price_vnd bigint,
    insurance_price_vnd bigint, by_hour boolean, minutes int);
CREATE TABLE his.post (practitioner text, title text, name text, service text REFERENCES his.service,
    room text REFERENCES his.room, session_limit int);
CREATE TABLE his.opening (id text PRIMARY KEY, room text REFERENCES his.room, weekday int,
    name text, opens_at time, closes_at time, places int);
CREATE TABLE his.closed_day (day date, room text, reason_vi text);
CREATE TABLE his.slot (id text PRIMARY KEY, service text REFERENCES his.service, room text,
    practitioner text, starts_at timestamptz, ends_at timestamptz, capacity int);
CREATE INDEX ON his.slot (service, starts_at);
CREATE TABLE his.appointment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version int NOT NULL DEFAULT 1,
    patient_id bigint NOT NULL REFERENCES his.patient, status text NOT NULL, code text UNIQUE,
    slot text NOT NULL REFERENCES his.slot, reason text);
CREATE UNIQUE INDEX ON his.appointment (patient_id, slot) WHERE status IN ('booked', 'arrived');
CREATE TABLE his.visit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version int NOT NULL DEFAULT 1,
    patient_id bigint NOT NULL REFERENCES his.patient, status text NOT NULL, day date NOT NULL,
    service text NOT NULL, practitioner text, room text, appointment_id bigint,
    number int NOT NULL, own_number text, provisional boolean NOT NULL, visit_kind text,
    reason text, coverage_code text, card_number text, fee_due_vnd bigint,
    created_at timestamptz NOT NULL, UNIQUE (day, service, number));
CREATE UNIQUE INDEX ON his.visit (patient_id, service, day) WHERE status = 'arrived';
CREATE TABLE his.counter (day date, service text, value int, PRIMARY KEY (day, service));
CREATE TABLE his.service_order (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version int NOT NULL DEFAULT 1,
    patient_id bigint NOT NULL REFERENCES his.patient, visit_id bigint, service text, kind text,
    code text, name_vi text, status text, room text, preparation_vi text, ordered_at timestamptz);
CREATE TABLE his.report (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version int NOT NULL DEFAULT 1,
    patient_id bigint NOT NULL REFERENCES his.patient, order_id bigint, visit_id bigint, kind text,
    title_vi text, status text NOT NULL DEFAULT 'draft', signed boolean, issued_at timestamptz);
CREATE TABLE his.report_value (report_id bigint REFERENCES his.report, place int, code text,
    name_vi text, value text, unit text, reference_range text, flag text);
CREATE TABLE his.report_document (report_id bigint REFERENCES his.report, part text,
    media_type text, body bytea, PRIMARY KEY (report_id, part));
CREATE TABLE his.invoice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, version int NOT NULL DEFAULT 1,
    patient_id bigint NOT NULL REFERENCES his.patient, visit_id bigint, status text NOT NULL,
    title_vi text, issued_at timestamptz NOT NULL);
CREATE TABLE his.charge (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, patient_id bigint NOT NULL, visit_id bigint,
    invoice_id bigint REFERENCES his.invoice, code text, name_vi text, quantity int,
    amount_vnd bigint, insurance_vnd bigint, discount_vnd bigint);
CREATE TABLE his.payment (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, patient_id bigint NOT NULL, visit_id bigint,
    invoice_id bigint REFERENCES his.invoice, amount_vnd bigint, method text, provider text,
    provider_reference text, paid_at timestamptz, posted_at timestamptz);
CREATE TABLE his.einvoice (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invoice_id bigint UNIQUE REFERENCES his.invoice, number text, url text, lookup_code text,
    issued_at timestamptz);
CREATE TABLE his.history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id bigint NOT NULL REFERENCES his.patient, questionnaire text, answers jsonb,
    language text, answered_at timestamptz);
CREATE TABLE his.consent (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient_id bigint NOT NULL REFERENCES his.patient, document text, signer_is_patient boolean,
    signer_relation text, evidence text, document_pdf bytea, given_at timestamptz);
CREATE TABLE his.code_entry (system text, code text, display text, parent text, legacy text,
    PRIMARY KEY (system, code));

-- One row for each write of tiepdon: this table is what makes a repeated write harmless.
CREATE TABLE his.kiosk_write (key text PRIMARY KEY, content text NOT NULL, kind text NOT NULL,
    ref text NOT NULL, written_at timestamptz NOT NULL DEFAULT now());

-- ------------------------------------------------------------------ what changed

CREATE TABLE his.change_log (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL, ref text NOT NULL, patient text, at timestamptz NOT NULL);

-- Positions must rise in the order of commits, or a reader misses what commits late. The trigger
-- runs at the commit, so the lock is held for a moment only.
CREATE FUNCTION his.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE changed jsonb := to_jsonb(NEW);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('his.change_log'));
    INSERT INTO his.change_log (kind, ref, patient, at) VALUES (TG_ARGV[0],
        changed ->> TG_ARGV[1], coalesce(changed ->> 'patient_id', changed ->> 'id'), his.clock());
    RETURN NULL;
END $$;

DO $$
DECLARE watched text[];
BEGIN
    FOREACH watched SLICE 1 IN ARRAY ARRAY[
        ['patient', 'patient', 'id'], ['appointment', 'visit', 'id'], ['visit', 'visit', 'id'],
        ['service_order', 'order', 'id'], ['report', 'report', 'id'],
        ['invoice', 'payment', 'id'], ['charge', 'payment', 'patient_id'],
        ['payment', 'payment', 'id'], ['history', 'history', 'id']]
    LOOP
        EXECUTE format('CREATE CONSTRAINT TRIGGER note_change AFTER INSERT OR UPDATE ON his.%I'
            ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION his.note_change(%L, %L)',
            watched[1], watched[2], watched[3]);
    END LOOP;
END $$;

-- ------------------------------------------------------------------ the views

CREATE VIEW tiepdon.patient AS
    SELECT id::text AS ref, version::text, full_name, birth_date, gender, id12, cmnd9, bhyt15,
        bhxh10, 'BN' || lpad(id::text, 8, '0') AS mrn, passport, phone, address, guardian
    FROM his.patient WHERE merged_into IS NULL;
CREATE VIEW tiepdon.department AS
    SELECT id AS ref, code, name_vi, name_en, place FROM his.department;
CREATE VIEW tiepdon.room AS
    SELECT id AS ref, code, name_vi, name_en, department, floor, landmark_vi, landmark_en
    FROM his.room;
CREATE VIEW tiepdon.service AS
    SELECT id AS ref, code, name_vi, name_en, kind, department, rooms, price_vnd,
        insurance_price_vnd, false AS pooled, false AS by_doctor, by_hour, minutes,
        NULL::text AS for_gender, NULL::int AS age_min_years, NULL::int AS age_max_years,
        false AS sensitive, NULL::text AS visit_kinds
    FROM his.service;
CREATE VIEW tiepdon.practitioner AS
    SELECT practitioner AS ref, title, name, service, room, session_limit FROM his.post;
CREATE VIEW tiepdon.session AS
    SELECT id AS ref, room, weekday, name, opens_at, closes_at, places FROM his.opening;
CREATE VIEW tiepdon.closed_day AS SELECT day, room, reason_vi FROM his.closed_day;
CREATE VIEW tiepdon.slot AS
    SELECT id AS ref, service, practitioner, room, starts_at, ends_at, capacity,
        capacity - (SELECT count(*) FROM his.appointment a
                    WHERE a.slot = s.id AND a.status IN ('booked', 'arrived')) AS free
    FROM his.slot s WHERE starts_at >= his.clock();
CREATE VIEW tiepdon.appointment AS
    SELECT a.id::text AS ref, a.version::text, a.patient_id::text AS patient, a.status, a.code,
        s.service, s.practitioner, s.room, a.slot, s.starts_at, s.ends_at,
        '99020' AS facility_code, 'Bệnh viện Khung Nhìn' AS facility_name
    FROM his.appointment a JOIN his.slot s ON s.id = a.slot;
CREATE VIEW tiepdon.visit AS
    SELECT v.id::text AS ref, v.version::text, v.patient_id::text AS patient, v.status,
        '99020.' || to_char(v.day, 'YYYYMMDD') || '.' || v.id AS record_code, v.service,
        v.practitioner, v.appointment_id::text AS appointment, v.number, s.code AS prefix, v.room,
        v.provisional, v.own_number, v.fee_due_vnd, v.created_at, v.day
    FROM his.visit v JOIN his.service s ON s.id = v.service;
CREATE VIEW tiepdon.queue AS
    SELECT v.id::text AS visit,
        CASE WHEN v.status = 'arrived' THEN (SELECT count(*) FROM his.visit o
            WHERE o.day = v.day AND o.service = v.service AND o.status = 'arrived'
            AND o.number < v.number) END AS ahead,
        (SELECT min(o.number)::text FROM his.visit o WHERE o.day = v.day
            AND o.service = v.service AND o.status = 'arrived') AS serving,
        his.clock() AS updated_at
    FROM his.visit v;
CREATE VIEW tiepdon.service_order AS
    SELECT id::text AS ref, version::text, patient_id::text AS patient, visit_id::text AS visit,
        service, kind, code, name_vi, NULL::text AS name_en, status, room, preparation_vi,
        NULL::text AS preparation_en, NULL::text AS accession, ordered_at
    FROM his.service_order;
-- Only what is released. `order` is a word of SQL, so the column is called order_ref.
CREATE VIEW tiepdon.report AS
    SELECT r.id::text AS ref, r.version::text, r.patient_id::text AS patient,
        r.order_id::text AS order_ref, r.visit_id::text AS visit, r.kind, r.title_vi, r.status,
        r.signed, r.issued_at,
        concat_ws(',', (SELECT 'values' FROM his.report_value v WHERE v.report_id = r.id LIMIT 1),
            (SELECT string_agg(d.part, ',' ORDER BY d.part) FROM his.report_document d
             WHERE d.report_id = r.id)) AS parts
    FROM his.report r WHERE r.status IN ('final', 'amended', 'corrected', 'appended');
CREATE VIEW tiepdon.report_value AS
    SELECT r.ref AS report, r.patient, v.place, v.code, v.name_vi, v.value, v.unit,
        v.reference_range, v.flag
    FROM his.report_value v JOIN tiepdon.report r ON r.ref = v.report_id::text;
CREATE VIEW tiepdon.report_document AS
    SELECT r.ref AS report, r.patient, d.part, d.media_type, d.body
    FROM his.report_document d JOIN tiepdon.report r ON r.ref = d.report_id::text;
CREATE VIEW tiepdon.charge AS
    SELECT c.id, c.patient_id::text AS patient, c.visit_id::text AS visit,
        c.invoice_id::text AS invoice, c.code, c.name_vi, c.quantity, c.amount_vnd,
        c.insurance_vnd, c.discount_vnd, coalesce(i.status, '') = 'cancelled' AS cancelled
    FROM his.charge c LEFT JOIN his.invoice i ON i.id = c.invoice_id;
CREATE VIEW tiepdon.invoice AS
    SELECT i.id::text AS ref, i.version::text, i.patient_id::text AS patient,
        i.visit_id::text AS visit, 'PT' || lpad(i.id::text, 8, '0') AS code, i.status, i.title_vi,
        t.total_vnd, CASE WHEN i.status = 'cancelled' THEN 0
            ELSE greatest(0, t.total_vnd - p.paid_vnd) END AS due_vnd, i.issued_at
    FROM his.invoice i,
        LATERAL (SELECT coalesce(sum(amount_vnd - insurance_vnd - discount_vnd), 0) AS total_vnd
                 FROM his.charge c WHERE c.invoice_id = i.id) t,
        LATERAL (SELECT coalesce(sum(amount_vnd), 0) AS paid_vnd
                 FROM his.payment p WHERE p.invoice_id = i.id) p;
CREATE VIEW tiepdon.payment AS
    SELECT p.id::text AS ref, p.invoice_id::text AS invoice, i.status AS invoice_status,
        p.amount_vnd, p.posted_at, p.patient_id::text AS patient, p.visit_id::text AS visit
    FROM his.payment p LEFT JOIN his.invoice i ON i.id = p.invoice_id;
CREATE VIEW tiepdon.einvoice AS
    SELECT id::text AS ref, invoice_id::text AS invoice, number, url, lookup_code, issued_at
    FROM his.einvoice;
CREATE VIEW tiepdon.code AS SELECT system, code, display, parent, legacy FROM his.code_entry;
CREATE VIEW tiepdon.change AS SELECT position, kind, ref, patient, at FROM his.change_log;
CREATE VIEW tiepdon.change_span AS
    SELECT coalesce(min(position), 1) AS oldest, coalesce(max(position), 0) AS latest
    FROM his.change_log;
CREATE VIEW tiepdon.written AS SELECT key, kind, ref FROM his.kiosk_write;

-- All sums of one patient, or of one visit: due = charges - insurance - discounts - paid.
CREATE FUNCTION tiepdon.account(p_patient text, p_visit text) RETURNS TABLE (patient text,
    charged_vnd numeric, insurance_vnd numeric, discount_vnd numeric, advances_vnd numeric,
    paid_vnd numeric, due_vnd numeric, credit_vnd numeric, as_of timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    WITH c AS (SELECT coalesce(sum(amount_vnd), 0) AS charged,
            coalesce(sum(c.insurance_vnd), 0) AS insurance, coalesce(sum(c.discount_vnd), 0) AS discount
        FROM tiepdon.charge c WHERE c.patient = p_patient AND NOT cancelled
            AND (p_visit IS NULL OR c.visit = p_visit)),
    p AS (SELECT coalesce(sum(amount_vnd) FILTER (WHERE invoice IS NULL), 0) AS advances,
            coalesce(sum(amount_vnd) FILTER (WHERE invoice IS NOT NULL), 0) AS paid
        FROM tiepdon.payment p WHERE p.patient = p_patient
            AND (p_visit IS NULL OR p.visit = p_visit)),
    l AS (SELECT charged - insurance - discount - advances - paid AS left_vnd FROM c, p)
    SELECT x.ref, charged, insurance, discount, advances, paid,
        greatest(0, left_vnd), greatest(0, -left_vnd), his.clock()
    FROM tiepdon.patient x, c, p, l WHERE x.ref = p_patient
        AND (p_visit IS NULL OR EXISTS (SELECT FROM tiepdon.visit v
             WHERE v.ref = p_visit AND v.patient = p_patient)) $$;

-- ------------------------------------------------------------------ the writes
-- Each gives one row: problem (NULL: done), existing (its reference when there is one already;
-- the sentence for people when the problem is invalid:FIELD), ref of what was written.
-- `known` locks the key, so that two calls at once with one key are one write.

CREATE TYPE tiepdon.outcome AS (problem text, existing text, ref text);

CREATE FUNCTION tiepdon.known(p_key text, p_content text) RETURNS SETOF tiepdon.outcome
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(p_key));
    RETURN QUERY SELECT CASE WHEN w.content <> p_content THEN 'key-reused' END, NULL::text, w.ref
        FROM his.kiosk_write w WHERE w.key = p_key;
END $$;

CREATE FUNCTION tiepdon.done(p_key text, p_content text, p_kind text, p_ref bigint)
RETURNS tiepdon.outcome LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO his.kiosk_write (key, content, kind, ref) VALUES (p_key, p_content, p_kind, p_ref::text)
    RETURNING NULL::text, NULL::text, ref $$;

CREATE FUNCTION tiepdon.refused(p_problem text, p_existing text DEFAULT NULL)
RETURNS tiepdon.outcome LANGUAGE sql IMMUTABLE AS $$ SELECT p_problem, p_existing, NULL::text $$;

CREATE FUNCTION tiepdon.owner_of(p_id12 text, p_bhyt15 text, p_bhxh10 text, p_passport text,
    p_not bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT id::text FROM his.patient WHERE id IS DISTINCT FROM p_not AND (id12 = p_id12
        OR bhyt15 = p_bhyt15 OR bhxh10 = p_bhxh10 OR passport = p_passport) LIMIT 1 $$;

CREATE FUNCTION tiepdon.create_patient(p_key text, p_content text, p_full_name text,
    p_birth_date text, p_gender text, p_id12 text, p_cmnd9 text, p_bhyt15 text, p_bhxh10 text,
    p_passport text, p_phone text, p_address text, p_guardian text)
RETURNS SETOF tiepdon.outcome LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE other text; made bigint;
BEGIN
    RETURN QUERY SELECT * FROM tiepdon.known(p_key, p_content);
    IF FOUND THEN RETURN; END IF;
    LOCK TABLE his.patient IN SHARE ROW EXCLUSIVE MODE;
    other := tiepdon.owner_of(p_id12, p_bhyt15, p_bhxh10, p_passport, NULL);
    IF other IS NOT NULL THEN
        RETURN NEXT tiepdon.refused('duplicate', other); RETURN;
    END IF;
    INSERT INTO his.patient (full_name, birth_date, gender, id12, cmnd9, bhyt15, bhxh10, passport,
        phone, address, guardian)
    VALUES (p_full_name, p_birth_date, p_gender, p_id12, p_cmnd9, p_bhyt15, p_bhxh10, p_passport,
        p_phone, p_address, p_guardian) RETURNING id INTO made;
    RETURN NEXT tiepdon.done(p_key, p_content, 'create_patient', made);
END $$;

-- NULL leaves a field as it is.
CREATE FUNCTION tiepdon.update_patient(p_key text, p_content text, p_ref text, p_version text,
    p_full_name text, p_birth_date text, p_gender text, p_id12 text, p_cmnd9 text, p_bhyt15 text,
    p_bhxh10 text, p_passport text, p_phone text, p_address text, p_guardian text)
RETURNS SETOF tiepdon.outcome LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE known his.patient; other text;
BEGIN
    RETURN QUERY SELECT * FROM tiepdon.known(p_key, p_content);
    IF FOUND THEN RETURN; END IF;
    LOCK TABLE his.patient IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO known FROM his.patient WHERE id::text = p_ref AND merged_into IS NULL;
    IF NOT FOUND THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
    IF known.version::text <> p_version THEN RETURN NEXT tiepdon.refused('conflict'); RETURN; END IF;
    other := tiepdon.owner_of(p_id12, p_bhyt15, p_bhxh10, p_passport, known.id);
    IF other IS NOT NULL THEN RETURN NEXT tiepdon.refused('duplicate', other); RETURN; END IF;
    UPDATE his.patient SET version = version + 1, full_name = coalesce(p_full_name, full_name),
        birth_date = coalesce(p_birth_date, birth_date), gender = coalesce(p_gender, gender),
        id12 = coalesce(p_id12, id12), cmnd9 = coalesce(p_cmnd9, cmnd9),
        bhyt15 = coalesce(p_bhyt15, bhyt15), bhxh10 = coalesce(p_bhxh10, bhxh10),
        passport = coalesce(p_passport, passport), phone = coalesce(p_phone, phone),
        address = coalesce(p_address, address), guardian = coalesce(p_guardian, guardian)
    WHERE id = known.id;
    RETURN NEXT tiepdon.done(p_key, p_content, 'update_patient', known.id);
END $$;

CREATE FUNCTION tiepdon.take_place(p_patient bigint, p_slot text) RETURNS SETOF tiepdon.outcome
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE wanted his.slot; own bigint; taken int;
BEGIN
    SELECT * INTO wanted FROM his.slot WHERE id = p_slot FOR UPDATE;
    IF NOT FOUND THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
    IF wanted.ends_at <= his.clock() THEN
        RETURN NEXT tiepdon.refused('invalid:slot', 'Khung giờ này đã qua.'); RETURN;
    END IF;
    SELECT id INTO own FROM his.appointment
        WHERE patient_id = p_patient AND slot = p_slot AND status IN ('booked', 'arrived');
    IF FOUND THEN RETURN NEXT tiepdon.refused('duplicate', own::text); RETURN; END IF;
    SELECT count(*) INTO taken FROM his.appointment
        WHERE slot = p_slot AND status IN ('booked', 'arrived');
    IF taken >= wanted.capacity THEN RETURN NEXT tiepdon.refused('slot-taken'); END IF;
END $$;

CREATE FUNCTION tiepdon.book_appointment(p_key text, p_content text, p_patient text, p_slot text,
    p_service text) RETURNS SETOF tiepdon.outcome LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE who bigint; made bigint;
BEGIN
    RETURN QUERY SELECT * FROM tiepdon.known(p_key, p_content);
    IF FOUND THEN RETURN; END IF;
    SELECT id INTO who FROM his.patient WHERE id::text = p_patient AND merged_into IS NULL;
    IF NOT FOUND THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
    RETURN QUERY SELECT * FROM tiepdon.take_place(who, p_slot);
    IF FOUND THEN RETURN; END IF;
    IF NOT EXISTS (SELECT FROM his.slot WHERE id = p_slot AND service = p_service) THEN
        RETURN NEXT tiepdon.refused('invalid:service', 'Khung giờ này thuộc dịch vụ khác.'); RETURN;
    END IF;
    INSERT INTO his.appointment (patient_id, status, code, slot)
        VALUES (who, 'booked', 'LH' || left(translate(gen_random_uuid()::text, '-abcdef', ''), 10), p_slot)
        RETURNING id INTO made;
    RETURN NEXT tiepdon.done(p_key, p_content, 'book_appointment', made);
END $$;

CREATE FUNCTION tiepdon.change_appointment(p_key text, p_content text, p_ref text, p_action text,
    p_version text, p_reason text, p_new_slot text)
RETURNS SETOF tiepdon.outcome LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE booked his.appointment;
BEGIN
    RETURN QUERY SELECT * FROM tiepdon.known(p_key, p_content);
    IF FOUND THEN RETURN; END IF;
    SELECT * INTO booked FROM his.appointment WHERE id::text = p_ref FOR UPDATE;
    IF NOT FOUND THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
    IF NOT (p_action = 'cancel' AND booked.status = 'cancelled') THEN
        IF booked.version::text <> p_version THEN
            RETURN NEXT tiepdon.refused('conflict'); RETURN;
        END IF;
        IF booked.status <> 'booked' THEN
            RETURN NEXT tiepdon.refused('invalid:ref', 'Lịch hẹn này không còn thay đổi được.');
            RETURN;
        END IF;
        IF p_action = 'cancel' THEN
            UPDATE his.appointment SET status = 'cancelled', reason = p_reason,
                version = version + 1 WHERE id = booked.id;
        ELSIF p_new_slot <> booked.slot THEN
            RETURN QUERY SELECT * FROM tiepdon.take_place(booked.patient_id, p_new_slot);
            IF FOUND THEN RETURN; END IF;
            UPDATE his.appointment SET slot = p_new_slot, reason = p_reason,
                version = version + 1 WHERE id = booked.id;
        END IF;
    END IF;
    RETURN NEXT tiepdon.done(p_key, p_content, 'change_appointment', booked.id);
END $$;

CREATE FUNCTION tiepdon.check_in(p_key text, p_content text, p_patient text, p_appointment text,
    p_service text, p_practitioner text, p_room text, p_visit_kind text, p_reason text,
    p_number text, p_provisional boolean, p_coverage_code text, p_card_number text,
    p_arrived_at timestamptz) RETURNS SETOF tiepdon.outcome LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE who bigint; booked record; offered his.service; other bigint; next int; made bigint;
    came timestamptz := coalesce(p_arrived_at, his.clock());
    today date := (coalesce(p_arrived_at, his.clock()) AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
BEGIN
    RETURN QUERY SELECT * FROM tiepdon.known(p_key, p_content);
    IF FOUND THEN RETURN; END IF;
    SELECT id INTO who FROM his.patient WHERE id::text = p_patient AND merged_into IS NULL FOR UPDATE;
    IF NOT FOUND THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
    IF p_appointment IS NOT NULL THEN
        SELECT a.id, a.status, s.service, s.practitioner, s.room, s.starts_at INTO booked
            FROM his.appointment a JOIN his.slot s ON s.id = a.slot
            WHERE a.id::text = p_appointment AND a.patient_id = who;
        IF NOT FOUND THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
        IF booked.status = 'arrived' THEN
            RETURN NEXT tiepdon.refused('duplicate', booked.id::text); RETURN;
        END IF;
        IF booked.status <> 'booked' OR (booked.starts_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date <> today THEN
            RETURN NEXT tiepdon.refused('invalid:appointment', 'Lịch hẹn này không phải của hôm nay.');
            RETURN;
        END IF;
        p_service := coalesce(p_service, booked.service);
        p_practitioner := coalesce(p_practitioner, booked.practitioner);
        p_room := coalesce(p_room, booked.room);
    END IF;
    SELECT * INTO offered FROM his.service WHERE id = p_service;
    IF NOT FOUND THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
    SELECT id INTO other FROM his.visit
        WHERE patient_id = who AND service = p_service AND day = today AND status = 'arrived';
    IF FOUND THEN RETURN NEXT tiepdon.refused('duplicate', other::text); RETURN; END IF;
    INSERT INTO his.counter VALUES (today, p_service, 1)
        ON CONFLICT (day, service) DO UPDATE SET value = his.counter.value + 1
        RETURNING value INTO next;
    INSERT INTO his.visit (patient_id, status, day, service, practitioner, room, appointment_id,
        number, own_number, provisional, visit_kind, reason, coverage_code, card_number,
        fee_due_vnd, created_at)
    VALUES (who, 'arrived', today, p_service, p_practitioner, p_room, p_appointment::bigint, next,
        p_number, p_provisional, p_visit_kind, p_reason, p_coverage_code, p_card_number,
        CASE WHEN p_provisional OR p_coverage_code IS NOT NULL THEN NULL ELSE offered.price_vnd END,
        came)
    RETURNING id INTO made;
    UPDATE his.appointment SET status = 'arrived', version = version + 1
        WHERE id::text = p_appointment;
    RETURN NEXT tiepdon.done(p_key, p_content, 'check_in', made);
END $$;

CREATE FUNCTION tiepdon.cancel_visit(p_key text, p_content text, p_ref text, p_reason text)
RETURNS SETOF tiepdon.outcome LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE known his.visit;
BEGIN
    RETURN QUERY SELECT * FROM tiepdon.known(p_key, p_content);
    IF FOUND THEN RETURN; END IF;
    SELECT * INTO known FROM his.visit WHERE id::text = p_ref FOR UPDATE;
    IF NOT FOUND THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
    IF known.status = 'finished' THEN
        RETURN NEXT tiepdon.refused('invalid:ref', 'Lượt khám này đã kết thúc.'); RETURN;
    END IF;
    IF known.status = 'arrived' THEN
        UPDATE his.visit SET status = 'cancelled', reason = p_reason, version = version + 1
            WHERE id = known.id;
        UPDATE his.appointment SET status = 'booked', version = version + 1
            WHERE id = known.appointment_id;
    END IF;
    RETURN NEXT tiepdon.done(p_key, p_content, 'cancel_visit', known.id);
END $$;

CREATE FUNCTION tiepdon.post_payment(p_key text, p_content text, p_patient text, p_visit text,
    p_invoice text, p_amount_vnd bigint, p_method text, p_provider text, p_provider_reference text,
    p_paid_at timestamptz) RETURNS SETOF tiepdon.outcome LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE bill his.invoice; left_vnd bigint; before bigint; made bigint;
BEGIN
    RETURN QUERY SELECT * FROM tiepdon.known(p_key, p_content);
    IF FOUND THEN RETURN; END IF;
    IF NOT EXISTS (SELECT FROM tiepdon.patient WHERE ref = p_patient) THEN
        RETURN NEXT tiepdon.refused('not-found'); RETURN;
    END IF;
    IF p_invoice IS NOT NULL THEN
        SELECT * INTO bill FROM his.invoice
            WHERE id::text = p_invoice AND patient_id::text = p_patient FOR UPDATE;
        IF NOT FOUND THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
        IF bill.status = 'balanced' THEN
            SELECT max(id) INTO before FROM his.payment WHERE invoice_id = bill.id;
            RETURN NEXT tiepdon.refused('duplicate', coalesce(before, bill.id)::text); RETURN;
        END IF;
        SELECT due_vnd INTO left_vnd FROM tiepdon.invoice WHERE ref = p_invoice;
        IF bill.status <> 'issued' OR left_vnd <> p_amount_vnd THEN
            RETURN NEXT tiepdon.refused('invalid:amount_vnd', 'Số tiền khác với số phải thu.');
            RETURN;
        END IF;
    END IF;
    INSERT INTO his.payment (patient_id, visit_id, invoice_id, amount_vnd, method, provider,
        provider_reference, paid_at, posted_at)
    VALUES (p_patient::bigint, coalesce(bill.visit_id, p_visit::bigint), bill.id, p_amount_vnd,
        p_method, p_provider, p_provider_reference, p_paid_at, his.clock()) RETURNING id INTO made;
    UPDATE his.invoice SET status = 'balanced', version = version + 1 WHERE id = bill.id;
    RETURN NEXT tiepdon.done(p_key, p_content, 'post_payment', made);
END $$;

CREATE FUNCTION tiepdon.submit_history(p_key text, p_content text, p_patient text,
    p_questionnaire text, p_answers text, p_language text, p_answered_at timestamptz)
RETURNS SETOF tiepdon.outcome LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE made bigint;
BEGIN
    RETURN QUERY SELECT * FROM tiepdon.known(p_key, p_content);
    IF FOUND THEN RETURN; END IF;
    INSERT INTO his.history (patient_id, questionnaire, answers, language, answered_at)
        SELECT id, p_questionnaire, p_answers::jsonb, p_language, p_answered_at
        FROM his.patient WHERE id::text = p_patient AND merged_into IS NULL RETURNING id INTO made;
    IF made IS NULL THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
    RETURN NEXT tiepdon.done(p_key, p_content, 'submit_history', made);
END $$;

CREATE FUNCTION tiepdon.record_consent(p_key text, p_content text, p_patient text, p_document text,
    p_signer_is_patient boolean, p_signer_relation text, p_evidence text, p_document_pdf bytea,
    p_given_at timestamptz) RETURNS SETOF tiepdon.outcome LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE made bigint;
BEGIN
    RETURN QUERY SELECT * FROM tiepdon.known(p_key, p_content);
    IF FOUND THEN RETURN; END IF;
    INSERT INTO his.consent (patient_id, document, signer_is_patient, signer_relation, evidence,
        document_pdf, given_at)
        SELECT id, p_document, p_signer_is_patient, p_signer_relation, p_evidence, p_document_pdf,
            p_given_at
        FROM his.patient WHERE id::text = p_patient AND merged_into IS NULL RETURNING id INTO made;
    IF made IS NULL THEN RETURN NEXT tiepdon.refused('not-found'); RETURN; END IF;
    RETURN NEXT tiepdon.done(p_key, p_content, 'record_consent', made);
END $$;
