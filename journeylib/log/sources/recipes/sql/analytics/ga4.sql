/*
recipe: ga4
version: 1
title: Google Analytics 4
export: The events tables of the BigQuery export (events_YYYYMMDD), as JSON lines or Parquet.
tells: What customers do on web and app; with user_id, who they are in other systems.
lacks: >-
  Customers only: no bot and no agent. The customer is the browser; user_id is often empty and
  joins browsers where stitching is declared. Tables change for up to three days.
inputs:
  events:
    keys: [event_name, event_timestamp, event_params, user_pseudo_id]
    tables: [events]
    fields:
      event_name:
      event_timestamp:
      event_params: [{key: , value: {string_value: , int_value: }}]
      user_id:
      user_pseudo_id:
      device: {category: }
      platform:
      batch_event_index:
*/
SELECT
    coalesce(user_pseudo_id, user_id) AS customer,
    user_id AS id_user,
    user_pseudo_id AS id_browser,
    user_pseudo_id || '/' || list_filter(event_params, lambda p: p.key = 'ga_session_id')[1].value.int_value AS session,
    at_micros(event_timestamp) AS timestamp,
    row_number() OVER (ORDER BY try_cast(event_timestamp AS BIGINT), try_cast(batch_event_index AS BIGINT), event_name) AS position,
    'customer' AS actor,
    event_name AS touchpoint,
    coalesce(device.category, platform) AS channel
FROM events
