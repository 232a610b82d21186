# What the library carries inside itself: the report's page, its chart library and the schema of result.json.

find_file(CAIRN_CHART_JS chart.min.js PATHS /usr/share/javascript/chart.js PATH_SUFFIXES share/javascript/chart.js REQUIRED
  DOC "Chart.js 3, minified (Debian: libjs-chart.js)")

set(assets ${CMAKE_SOURCE_DIR}/cairn/report/assets)
cairn_embed(cairn_report cairn_page_html ${assets}/page.html)
cairn_embed(cairn_report cairn_page_css ${assets}/page.css)
cairn_embed(cairn_report cairn_page_js ${assets}/page.js)
cairn_embed(cairn_report cairn_chart_js ${CAIRN_CHART_JS})
cairn_embed(cairn_report cairn_result_schema ${CMAKE_SOURCE_DIR}/docs/reference/result.schema.json)
