/*
recipe: zendesk_fivetran
version: 1
title: Zendesk Support (tables of Fivetran)
export: The schema that Fivetran fills, in DuckDB or as one CSV a table.
tells: Comments by the author's role, notes, and each change of status, group and assignee.
lacks: >-
  The history repeats rows, which are dropped. Authors who are not among the users stay unknown;
  tickets that are not there count as customers of their own.
inputs:
  field_history:
    keys: [field_name, ticket_id, updated, value]
    tables: [ticket_field_history, ticket_field_history_data]
    once: [field_name, ticket_id, updated, value]
    fields: {field_name: , ticket_id: , updated: , user_id: , value: }
  comments:
    keys: [id, ticket_id, body, public, user_id]
    tables: [ticket_comment, ticket_comment_data]
    optional: true
    once: [id]
    fields: {id: , ticket_id: , created: , body: , public: , user_id: }
  tickets:
    keys: [id, requester_id, submitter_id, via_channel]
    tables: [ticket, ticket_data]
    optional: true
    once: [id]
    newest: updated_at
    fields: {id: , requester_id: , via_channel: , updated_at: }
  users:
    keys: [id, role, email, chat_only]
    tables: [user, user_data]
    optional: true
    once: [id]
    fields: {id: , role: }
*/
WITH acts AS (
    SELECT
        ticket_id AS session, updated AS happened, 1 AS place,
        CASE field_name WHEN 'status' THEN 'Status ' || value WHEN 'group_id' THEN 'Passed to a team'
            WHEN 'assignee_id' THEN 'Assigned' END AS touchpoint,
        user_id AS who, NULL::VARCHAR AS text, false AS speaks
    FROM field_history
    UNION ALL
    SELECT ticket_id, created, 2, if(yes(public), 'speaks', 'Private note'), user_id, body, yes(public)
    FROM comments
)

SELECT
    coalesce(id_text(t.requester_id), 'ticket:' || a.session) AS customer,
    a.session, happened AS timestamp, place AS position,
    CASE
        WHEN NOT speaks THEN 'system'
        WHEN who = t.requester_id OR u.role = 'end-user' THEN 'customer'
        WHEN who = '-1' THEN 'bot'
        WHEN u.role IN ('agent', 'admin') THEN 'human'
    END AS actor,
    CASE
        WHEN touchpoint <> 'speaks' THEN touchpoint
        WHEN who = t.requester_id OR u.role = 'end-user' THEN 'Customer writes'
        WHEN who = '-1' THEN 'Bot answers'
        WHEN u.role IN ('agent', 'admin') THEN 'Agent answers'
        ELSE 'Comment'
    END AS touchpoint,
    t.via_channel AS channel, who AS resource, if(speaks, text, NULL) AS text,
    if(speaks, 'front', 'back') AS office,
    if(touchpoint IS NULL, 'a change of another field', NULL) AS _left_out
FROM acts AS a
LEFT JOIN tickets AS t ON t.id = a.session
LEFT JOIN users AS u ON u.id = a.who
