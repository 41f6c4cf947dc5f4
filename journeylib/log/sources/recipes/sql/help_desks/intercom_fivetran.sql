/*
recipe: intercom_fivetran
version: 1
title: Intercom (tables of Fivetran)
export: The schema that Fivetran fills, in DuckDB or as one CSV a table.
tells: What the recipe intercom tells, as far as the tables go.
lacks: >-
  Conversations that are not among the conversations or contacts count as customers of their own.
inputs:
  parts:
    keys: [id, conversation_id, part_type, author_type]
    tables: [conversation_part_history, conversation_part_history_data]
    once: [id]
    newest: updated_at
    fields:
      {id: , conversation_id: , part_type: , body: , created_at: , updated_at: , author_id: ,
       author_type: , assigned_to_type: }
  conversations:
    keys: [id, source_author_type, source_type, created_at]
    tables: [conversation_history, conversation_history_data]
    optional: true
    once: [id]
    newest: updated_at
    fields:
      {id: , created_at: , updated_at: , source_type: , source_author_id: , source_author_type: ,
       source_body: , source_delivered_as: , conversation_rating_value: , conversation_rating_created_at: }
  contacts:
    keys: [conversation_id, contact_id]
    tables: [conversation_contact_history, conversation_contact_history_data]
    optional: true
    fields: {conversation_id: , contact_id: }
*/
WITH owners AS (
    SELECT conversation_id, min(contact_id) AS contact FROM contacts GROUP BY conversation_id
),

said AS (
    SELECT conversation_id AS session, created_at AS happened, id AS place, part_type AS kind,
        author_type AS author, author_id AS who, body, assigned_to_type AS assigned,
        true AS spontaneous, NULL::VARCHAR AS rating
    FROM parts
    UNION ALL
    SELECT id, created_at, '', 'source', source_author_type, source_author_id, source_body, NULL,
        coalesce(source_delivered_as, 'customer_initiated') = 'customer_initiated', NULL
    FROM conversations
    UNION ALL
    SELECT id, conversation_rating_created_at, '~', 'rating', 'user', NULL, NULL, NULL, true,
        conversation_rating_value
    FROM conversations WHERE nullif(conversation_rating_value, '') IS NOT NULL
),

judged AS (
    SELECT *, coalesce(author IN ('user', 'lead', 'contact', 'visitor'), false) AS by_customer,
        coalesce(kind IN ('source', 'comment', 'quick_reply'), false)
            OR (coalesce(kind IN ('assignment', 'assign_and_reopen', 'open'), false)
                AND nullif(body, '') IS NOT NULL) AS speaks
    FROM said
)

SELECT
    coalesce(o.contact, if(c.source_author_type IN ('user', 'lead', 'contact'), c.source_author_id, NULL),
        'conversation:' || session) AS customer,
    session, happened AS timestamp, row_number() OVER (ORDER BY session, place) AS position,
    CASE WHEN by_customer THEN 'customer' WHEN NOT speaks OR NOT spontaneous THEN 'system'
        WHEN author = 'bot' THEN 'bot' ELSE 'human' END AS actor,
    CASE
        WHEN kind = 'rating' THEN 'Rated' WHEN kind = 'open' THEN 'Reopened'
        WHEN NOT spontaneous THEN 'Campaign' WHEN speaks AND by_customer THEN 'Customer writes'
        WHEN speaks AND author = 'bot' THEN 'Bot answers' WHEN speaks THEN 'Agent answers'
        WHEN kind = 'note' THEN 'Private note' WHEN kind = 'close' THEN 'Closed'
        WHEN kind LIKE 'assign%' THEN if(coalesce(assigned, '') = 'team', 'Passed to a team', 'Assigned')
        ELSE kind
    END AS touchpoint,
    c.source_type AS channel, who AS resource, if(speaks, without_tags(body), NULL) AS text,
    if(speaks OR kind = 'rating', 'front', 'back') AS office, try_cast(rating AS DOUBLE) AS rating,
    CASE WHEN NOT speaks AND kind NOT IN ('rating', 'note', 'close', 'open', 'assignment',
        'assign_and_reopen', 'assign_and_unsnooze', 'snoozed', 'unsnoozed',
        'away_mode_assignment') THEN kind END AS _unknown
FROM judged AS j
LEFT JOIN owners AS o ON o.conversation_id = j.session
LEFT JOIN conversations AS c ON c.id = j.session
