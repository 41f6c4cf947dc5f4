/*
recipe: intercom
version: 1
title: Intercom
export: >-
  Conversations with their parts (GET /conversations/ID for each, or the list for those without
  parts): JSON lines, pages, or what dlt, Airbyte and Meltano land.
tells: >-
  Bot against agent, hand-overs and waits, requests for a human, notes, ratings. What Fin says of
  the end is the attribute resolution_state.
lacks: >-
  At most 500 parts a conversation. Fin's assumed_resolution is no proof of a solution and counts
  as none; that a customer left a queue shows only in resolution_state.
inputs:
  conversations:
    keys: [id, source, statistics]
    tables: [conversations, conversation]
    once: [id]
    newest: updated_at
    fields:
      id:
      created_at:
      updated_at:
      source: {type: , delivered_as: , body: , author: {id: , type: , from_ai_agent: }}
      contacts: {contacts: [{id: , external_id: }]}
      tags: {tags: [{name: }]}
      conversation_rating: {rating: , created_at: , updated_at: }
      statistics: {count_conversation_parts: }
      ai_agent: {resolution_state: }
      conversation_parts:
        conversation_parts:
        - {id: , part_type: , body: , created_at: , author: {id: , type: , from_ai_agent: }, assigned_to: {id: , type: }}
  conversation_parts:
    keys: [id, conversation_id, part_type]
    tables: [conversation_parts, conversation_part]
    optional: true
    once: [id]
    fields:
      id:
      conversation_id:
      part_type:
      body:
      created_at:
      author: {id: , type: , from_ai_agent: }
      assigned_to: {id: , type: }
announced: >-
  SELECT coalesce(try_cast(c.statistics.count_conversation_parts AS BIGINT), 0) AS announced,
  coalesce(len(c.conversation_parts.conversation_parts), 0) + coalesce(p.n, 0) AS present
  FROM conversations c LEFT JOIN (SELECT id_text(conversation_id) AS id, count(*) AS n
  FROM conversation_parts GROUP BY ALL) p ON p.id = id_text(c.id)
*/
WITH talks AS (
    SELECT
        id_text(id) AS session,
        source,
        created_at,
        coalesce(contacts.contacts[1].external_id, contacts.contacts[1].id, source.author.id) AS customer,
        source.type AS channel,
        tags.tags[1].name AS intent,
        conversation_parts.conversation_parts AS parts,
        conversation_rating AS rated,
        ai_agent.resolution_state AS resolution_state
    FROM conversations
),

said AS (
    SELECT
        session, customer, channel, intent, resolution_state, 0 AS position, 'source' AS kind, created_at AS happened,
        source.author AS author, source.body AS body, NULL::VARCHAR AS assigned,
        coalesce(source.delivered_as, 'customer_initiated') = 'customer_initiated' AS spontaneous,
        NULL::VARCHAR AS rating
    FROM talks
    UNION ALL
    SELECT
        session, customer, channel, intent, resolution_state, number, p.part_type, p.created_at,
        p.author, p.body, p.assigned_to.type, true, NULL
    FROM (
        SELECT
            session, customer, channel, intent, resolution_state, unnest(parts) AS p,
            unnest(range(1, coalesce(len(parts), 0) + 1)) AS number
        FROM talks
    )
    UNION ALL
    SELECT
        t.session, t.customer, t.channel, t.intent, t.resolution_state,
        row_number() OVER (PARTITION BY t.session ORDER BY p.created_at, p.id), p.part_type,
        p.created_at, p.author, p.body, p.assigned_to.type, true, NULL
    FROM conversation_parts AS p JOIN talks AS t ON t.session = id_text(p.conversation_id)
    UNION ALL
    SELECT
        session, customer, channel, intent, resolution_state, 1000000, 'rating',
        coalesce(rated.updated_at, rated.created_at), NULL, NULL, NULL, true, rated.rating
    FROM talks WHERE rated.rating IS NOT NULL
),

-- The words are worked out once: texts are dear.
plain AS (SELECT * EXCLUDE (body), without_tags(body) AS words FROM said),

judged AS (
    SELECT
        *,
        coalesce(author.type IN ('user', 'lead', 'contact', 'visitor'), false) AS by_customer,
        coalesce(author.type = 'bot', false) OR yes(author.from_ai_agent) AS by_bot,
        coalesce(kind IN ('source', 'comment', 'quick_reply'), false)
            OR (coalesce(kind IN ('assignment', 'assign_and_reopen', 'open'), false)
                AND words IS NOT NULL) AS speaks
    FROM plain
)

SELECT
    customer,
    session,
    at_seconds(happened) AS timestamp,
    position,
    CASE
        WHEN kind = 'rating' THEN 'customer'
        WHEN by_customer AND kind <> 'rating' THEN 'customer'
        WHEN NOT speaks OR NOT spontaneous THEN 'system'
        WHEN by_bot THEN 'bot'
        ELSE 'human'
    END AS actor,
    CASE
        WHEN kind = 'rating' THEN 'Rated'
        WHEN kind = 'open' THEN 'Reopened'
        WHEN NOT spontaneous THEN 'Campaign'
        WHEN speaks AND by_customer THEN 'Customer writes'
        WHEN speaks AND by_bot THEN 'Bot answers'
        WHEN speaks THEN 'Agent answers'
        WHEN kind = 'note' THEN 'Private note'
        WHEN kind IN ('assignment', 'assign_and_reopen', 'assign_and_unsnooze')
            THEN if(coalesce(assigned, '') = 'team', 'Passed to a team', 'Assigned')
        WHEN kind IN ('close', 'snoozed', 'unsnoozed', 'away_mode_assignment', 'participant_added',
            'participant_removed') THEN if(kind = 'close', 'Closed', kind)
        ELSE kind
    END AS touchpoint,
    channel,
    intent,
    author.id AS resource,
    if(speaks, words, NULL) AS text,
    if(speaks OR kind = 'rating', 'front', 'back') AS office,
    try_cast(rating AS DOUBLE) AS rating,
    resolution_state,
    CASE WHEN NOT speaks AND kind NOT IN ('rating', 'note', 'assignment', 'assign_and_reopen',
        'assign_and_unsnooze', 'close', 'open', 'snoozed', 'unsnoozed', 'away_mode_assignment',
        'participant_added', 'participant_removed') THEN kind END AS _unknown
FROM judged
