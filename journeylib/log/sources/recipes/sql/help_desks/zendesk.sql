/*
recipe: zendesk
version: 1
title: Zendesk Support
export: >-
  Ticket audits (GET /ticket_audits or /tickets/ID/audits), with tickets and users beside them: JSON
  lines, pages, or what dlt and Airbyte land.
tells: Customer, bot and agent by the author's role, notes, status, groups, assignments, ratings.
lacks: >-
  Merged comments are private. A comment of the author -1 counts as the bot's. A good rating is 1
  and a bad one 0. Without users, authors who are not the requester stay unknown.
inputs:
  audits:
    keys: [ticket_id, author_id, events, via]
    tables: [ticket_audits, audits]
    once: [id]
    fields:
      id:
      ticket_id:
      created_at:
      author_id:
      via: {channel: }
      events:
      - {id: , type: , author_id: , body: , plain_body: , public: , field_name: , value: json, previous_value: json}
  tickets:
    keys: [id, requester_id, submitter_id, status]
    tables: [tickets, ticket]
    optional: true
    once: [id]
    newest: updated_at
    fields: {id: , requester_id: , updated_at: , tags: json, via: {channel: }}
  users:
    keys: [id, role, name]
    tables: [users, user]
    optional: true
    once: [id]
    fields: {id: , role: }
*/
WITH listed AS (
    SELECT
        id_text(ticket_id) AS session, try_cast(id_text(id) AS BIGINT) AS audit, created_at,
        id_text(author_id) AS author, via.channel AS channel, unnest(events) AS e,
        unnest(range(1, coalesce(len(events), 0) + 1)) AS k
    FROM audits
),

openings AS (
    SELECT
        session, min_by(channel, audit) AS channel,
        max(e.value ->> '$') FILTER (e.field_name = 'requester_id' AND e.type = 'Create') AS requester,
        max(coalesce(e.value ->> '$[0]', e.value ->> '$')) FILTER (e.field_name = 'tags' AND e.type = 'Create') AS tag
    FROM listed GROUP BY session
),

known AS (
    SELECT
        l.*, o.channel AS opened_by, coalesce(t.tags ->> '$[0]', o.tag) AS intent,
        coalesce(id_text(t.requester_id), id_text(o.requester)) AS requester,
        coalesce(id_text(l.e.author_id), l.author) AS who, l.e.value ->> '$' AS value
    FROM listed AS l JOIN openings AS o USING (session)
    LEFT JOIN tickets AS t ON id_text(t.id) = l.session
),

judged AS (
    SELECT
        k.*,
        CASE
            WHEN who = requester OR u.role = 'end-user' THEN 'customer'
            WHEN who = '-1' THEN 'bot'
            WHEN u.role IN ('agent', 'admin') THEN 'human'
        END AS speaker,
        CASE
            WHEN e.type IN ('Comment', 'VoiceComment') AND NOT yes(e.public) THEN 'Private note'
            WHEN e.type IN ('Comment', 'VoiceComment') THEN 'speaks'
            WHEN e.field_name = 'satisfaction_score' AND value IN ('good', 'bad') THEN 'Rated'
            WHEN e.type <> 'Change' THEN 'nothing'
            WHEN e.field_name = 'group_id' THEN 'Passed to a team'
            WHEN e.field_name = 'assignee_id' THEN 'Assigned'
            WHEN e.field_name = 'status' THEN 'Status ' || value
            ELSE 'nothing'
        END AS kind
    FROM known AS k LEFT JOIN users AS u ON id_text(u.id) = k.who
)

SELECT
    coalesce(requester, 'ticket:' || session) AS customer,
    session, created_at AS timestamp, audit * 100 + k AS position,
    CASE WHEN kind = 'speaks' THEN speaker WHEN kind = 'Rated' THEN 'customer' ELSE 'system' END AS actor,
    CASE
        WHEN kind <> 'speaks' THEN kind
        WHEN speaker = 'customer' THEN 'Customer writes'
        WHEN speaker = 'bot' THEN 'Bot answers'
        WHEN speaker = 'human' THEN 'Agent answers'
        ELSE 'Comment'
    END AS touchpoint,
    opened_by AS channel, intent, who AS resource,
    if(kind = 'speaks', coalesce(e.plain_body, without_tags(e.body)), NULL) AS text,
    if(kind IN ('speaks', 'Rated'), 'front', 'back') AS office,
    CASE WHEN kind = 'Rated' THEN if(value = 'good', 1.0, 0.0) END AS rating,
    CASE WHEN e.type NOT IN ('Comment', 'VoiceComment', 'Create', 'Change', 'Notification',
        'NotificationWithCcs', 'SatisfactionRating', 'Cc', 'FollowersNotification',
        'EmailCcNotification', 'Error', 'External', 'FacebookEvent', 'LogMeInTranscript', 'Push',
        'TicketSharingEvent', 'Tweet', 'CommentPrivacyChange', 'OrganizationActivity',
        'AgentMacroReference', 'AttachmentRedactionEvent', 'ChatStartedEvent', 'ChatEndedEvent',
        'MessagingHandoff', 'AutomaticAnswerSend', 'AutomaticAnswerSolve')
        THEN e.type END AS _unknown
FROM judged
WHERE kind <> 'nothing'
