#include "cairn/report/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cairn/report/format_internal.h"
#include "tests/report/samples.h"
#include "tests/support/json_schema.h"

using namespace cairn;
using test::kSamples;
using test::sample;

namespace {

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t occurrences(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

// Every text of the result, and every name of a column, class or parameter, becomes `hostile`.
Json poisoned(const Json& json, const std::string& hostile) {
  if (json.is_string()) return hostile;
  if (json.is_array()) {
    Json out = Json::array();
    for (const Json& item : json) out.push_back(poisoned(item, hostile));
    return out;
  }
  if (!json.is_object()) return json;
  Json out = Json::object();
  for (const auto& [key, value] : json.items()) out[key] = poisoned(value, hostile);
  return out;
}

}  // namespace

TEST_CASE("the samples follow the schema that is embedded, and the schema refuses what is wrong") {
  for (const char* task : kSamples) {
    CAPTURE(task);
    const auto faults = test::schema_faults(result_schema(), sample(task).dump());
    CHECK_MESSAGE(faults.empty(), (faults.empty() ? "" : faults[0]));
  }
  const Json good = sample("binary");
  const auto refused = [&](auto&& spoil) {
    Json bad = good;
    spoil(bad);
    return !test::schema_faults(result_schema(), bad.dump()).empty();
  };
  CHECK(refused([](Json& j) { j.erase("metrics"); }));
  CHECK(refused([](Json& j) { j["schema"] = 2; }));
  CHECK(refused([](Json& j) { j["task"] = "clustering"; }));
  CHECK(refused([](Json& j) { j["data_sha256"] = "abc"; }));
  CHECK(refused([](Json& j) { j["metrics"]["accuracy"].erase("low"); }));
  CHECK(refused([](Json& j) { j["metrics"]["accuracy"]["value"] = "0.8"; }));
  CHECK(refused([](Json& j) { j["mispelt"] = 1; }));
  CHECK(refused([](Json& j) { j["next"][0].erase("action"); }));
  CHECK(refused([](Json& j) { j["ledger"][0].erase("error"); }));
  CHECK(refused([](Json& j) { j["curves"]["roc"].erase("threshold"); }));
  CHECK(refused([](Json& j) { j["rows"]["train"] = -1; }));
}

TEST_CASE("a page is whole, small and a pure function of the result") {
  for (const char* task : kSamples) {
    CAPTURE(task);
    const Json result = sample(task);
    const std::string page = report_html(result);
    CHECK(page == report_html(Json::parse(result.dump())));
    CHECK(page.size() < 400'000);
    CHECK(page.starts_with("<!doctype html>"));
    CHECK(!holds(page, "{{"));
    for (const char* part : {"src=\"http", "href=\"http", "@import", "url("}) {
      CAPTURE(part);
      CHECK(!holds(page, part));  // nothing is loaded from anywhere
    }
    for (const char* section : {"next", "metrics", "candidates", "explanation", "ledger", "learning-curve",
                                "data", "commands", "details"}) {
      CAPTURE(section);
      CHECK(occurrences(page, "<section id=\"" + std::string(section) + "\"") == 1);
    }
    CHECK(occurrences(page, "<section") == occurrences(page, "</section>"));
    CHECK(occurrences(page, "<div") == occurrences(page, "</div>"));
    CHECK(occurrences(page, "<canvas") == occurrences(page, "\"id\":\"chart-"));
    CHECK(occurrences(page, "<canvas") == occurrences(page, "role=\"img\""));
  }
}

TEST_CASE("the result is one sentence with the baseline beside it") {
  const std::string binary = report_html(sample("binary"));
  CHECK(holds(binary,
              "Of two unseen rows, one “yes” and one “no”, the model ranks the “yes” higher 89 times in 100; "
              "<span class=\"against\">guessing does so 50 times in 100.</span>"));
  CHECK(holds(report_html(sample("regression")),
              "the model misses median_house_value by 58,184 (root mean square); <span "
              "class=\"against\">always answering the mean, 206,855.8, misses by 113,955."));
  CHECK(holds(report_html(sample("multiclass")),
              "The model is right on all of the 69 rows it has never seen; <span "
              "class=\"against\">always answering Adelie is right on"));
  Json unsure = sample("binary");
  unsure["metrics"]["roc_auc"]["low"] = 0.49;
  CHECK(holds(report_html(unsure), "This is no proof of skill"));
  CHECK(!holds(binary, "This is no proof of skill"));
  unsure["metrics"]["roc_auc"] = {{"value", nullptr}, {"low", nullptr}, {"high", nullptr}, {"n", 179}};
  CHECK(holds(report_html(unsure), "ROC AUC cannot be measured on the rows that were held out"));
}

TEST_CASE("what comes from the data is harmless") {
  const std::vector<std::string> attacks{"</script><script>alert(1)</script>",
                                         "\"><img src=x onerror=alert(1)>",
                                         "<!--<script>",
                                         "' onmouseover='alert(1)",
                                         "{{script}}",
                                         "a\x01b\x7F",
                                         "\xFF\xFE broken",
                                         "&lt;b&gt;"};
  const std::string clean = report_html(sample("binary"));
  for (const std::string& attack : attacks) {
    for (const char* task : kSamples) {
      CAPTURE(attack);
      const std::string page = report_html(poisoned(sample(task), attack));
      CHECK(occurrences(page, "<script") == 3);
      CHECK(occurrences(page, "</script>") == 3);
      CHECK(occurrences(page, "<img") == 0);
      CHECK(!holds(page.substr(0, page.find("<script")), "' onmouseover='"));
      CHECK(!holds(page, "\xFF"));
      CHECK(occurrences(page, "<!--") == 0);
    }
  }
  CHECK(occurrences(clean, "<script") == 3);
}

TEST_CASE("a result with little in it makes a page and a text all the same") {
  const Json little{{"schema", 1}, {"task", "binary"}, {"target", "y"}};
  CHECK(holds(report_html(little), "</html>"));
  CHECK(!report_text(little, false, 80).empty());
  CHECK(holds(evaluation_html(little), "</html>"));
  Json odd = sample("multiclass");
  odd["confusion"]["counts"] = Json::array({Json::array({1})});
  odd["curves"] = nullptr;
  odd["candidates"] = nullptr;
  odd["importance"][0]["value"] = nullptr;
  CHECK(holds(report_html(odd), "</html>"));
}

TEST_CASE("a learner that was tried twice is told apart by its parameters") {
  Json result = sample("binary");
  result["candidates"] = {
      {{"learner", "ridge"}, {"metric", 0.8}, {"params", {{"alpha", 1.0}, {"tol", 0.001}}}},
      {{"learner", "ridge"}, {"metric", 0.7}, {"params", {{"alpha", 10.0}, {"tol", 0.001}}}},
      {{"learner", "constant"}, {"metric", 0.5}, {"params", {{"alpha", 3.0}}}}};
  const std::string page = report_html(result);
  CHECK(holds(page, "<th scope=\"row\">ridge, alpha 1.0</th>"));
  CHECK(holds(page, "<th scope=\"row\">ridge, alpha 10.0</th>"));
  CHECK(holds(page, "<th scope=\"row\">constant</th>"));
}

TEST_CASE("coefficients come in any order") {
  Json result = sample("multiclass"), reversed = result;
  Json& list = reversed["coefficients"];
  std::stable_sort(list.begin(), list.end(), [](const Json& a, const Json& b) {
    return std::abs(a["value"].get<double>()) > std::abs(b["value"].get<double>());
  });
  CHECK(list != result["coefficients"]);
  CHECK(report_html(reversed) == report_html(result));
  CHECK(holds(report_html(result), "<th scope=\"row\">bill_length_mm</th><td class=\"num\">−2.294</td>"));
}

TEST_CASE("many classes become a list of mistakes") {
  Json result = sample("multiclass");
  Json classes = Json::array(), counts = Json::array();
  for (int i = 0; i < 30; ++i) {
    classes.push_back("class " + std::to_string(i));
    Json row = Json::array();
    for (int j = 0; j < 30; ++j) row.push_back(i == j ? 50 : i == 7 && j == 9 ? 12 : 0);
    counts.push_back(row);
  }
  result["classes"] = classes;
  result["confusion"] = {{"classes", classes}, {"counts", counts}};
  const std::string page = report_html(result);
  CHECK(!holds(page, "class=\"confusion\""));
  CHECK(holds(page,
              "<th scope=\"row\">class 7</th><td>class 9</td><td class=\"num\">12</td><td class=\"num\">19.4 "
              "%</td>"));
}

TEST_CASE("the page of an evaluation has its parts and none of training's") {
  Json e = sample("binary");
  for (const char* key : {"metric", "baseline", "train_metrics", "cv_metrics", "candidates", "next", "ledger",
                          "learning_curve", "commands"})
    e.erase(key);
  e["data"] = "new.csv";
  e["rows"] = 179;
  e["slice"] = "Sex";
  e["slices"] = {{{"slice", "female"}, {"rows", 60}, {"metrics", {{"accuracy", e["metrics"]["accuracy"]}}}}};
  const std::string page = evaluation_html(e);
  CHECK(holds(page, "The model is right on 81.0 % of the rows it has never seen.</h1>"));
  CHECK(holds(page, "<th scope=\"row\">female</th><td class=\"num\">60</td>"));
  CHECK(holds(page, "class=\"confusion\""));
  for (const char* section : {"next", "ledger", "candidates", "commands"})
    CHECK(!holds(page, "<section id=\"" + std::string(section)));
}

TEST_CASE("numbers are written as a person reads them") {
  using namespace report;
  CHECK(number(58184.1, 0) == "58,184");
  CHECK(number(1234567.0, 0) == "1,234,567");
  CHECK(number(-0.01349, 3) == "−0.013");
  CHECK(number(-0.0001, 3) == "0.000");
  CHECK(number(std::optional<double>{0.0003}) == "0.00030");
  CHECK(number(std::nullopt) == "–");
  CHECK(value_of({0.89, 0.838167, 0.936628}) == "0.890");
  CHECK(interval_of({58184.1, 55915.6, 60116.6}) == "55,916 to 60,117");
  CHECK(interval_of({0.5, std::nullopt, 0.6}) == "–");
  CHECK(signed_number(0.011, 3) == "+0.011");
  CHECK(signed_number(0.0, 3) == "0.000");
  CHECK(bytes(73400320) == "73.4 MB");
  CHECK(duration(125) == "2 min 5 s");
  CHECK(metric_label("1 - roc_auc") == "1 − ROC AUC");
  CHECK(display_width("长度 cm") == 7);
  CHECK(shortened("bill_length_mm", 8) == "bill_le…");
  CHECK(wrapped("one two three", 7) == std::vector<std::string>{"one two", "three"});
}

TEST_CASE("the text keeps to the width, and colour is asked for") {
  for (const char* task : kSamples)
    for (const int width : {60, 80, 120}) {
      CAPTURE(task);
      CAPTURE(width);
      const std::string text = report_text(sample(task), false, width);
      CHECK(text == report_text(sample(task), false, width));
      CHECK(!holds(text, "\x1b"));
      std::size_t begin = 0;
      for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
        const std::string line = text.substr(begin, end - begin);
        // Paths and commands stay in one piece.
        const bool whole = holds(line, "$ cairn") || holds(line, "Report: ") || holds(line, "Model: ") ||
                           holds(line, "Predict: ");
        CAPTURE(line);
        CHECK((whole || report::display_width(line) <= width));
      }
    }
  const Json result = sample("binary");
  CHECK(holds(report_text(result, true, 80), "\x1b[1m"));
  const std::string text = report_text(result, false, 100);
  for (const char* part :
       {"ROC AUC               0.890  0.838 to 0.937     0.500     0.847", "Do next", "Not worth it",
        "Could not be examined", "+0.011 ROC AUC (80 %: +0.002 to +0.021)", "held-out         0.190",
        "Variance +0.010 (−0.031 to +0.051), unproven", "Report:  runs/2026-01-15-titanic-1/report.html"}) {
    CAPTURE(part);
    CHECK(holds(text, part));
  }
  CHECK(!holds(report_text(poisoned(result,
                                    "\x1b[2J\xC2\x9B"
                                    "2J"),
                           false, 80),
               "\x1b"));
}

TEST_CASE("pictures stand in the page itself, and what is no picture is left out") {
  Json result = sample("multiclass");
  const std::string png = "iVBORw0KGgo=";
  result["pictures"] = {{"height", 28},
                        {"width", 28},
                        {"channels", 1},
                        {"samples", Json::array({{{"class", "3"}, {"png", png}},
                                                 {{"class", "3"}, {"png", png}},
                                                 {{"class", "8"}, {"png", png}}})},
                        {"worst", Json::array({{{"truth", "3"},
                                                {"said", "8<b>"},
                                                {"probability", 0.987},
                                                {"of_truth", 0.01},
                                                {"row", 17},
                                                {"png", png}},
                                               {{"truth", "8"},
                                                {"said", "3"},
                                                {"probability", 0.6},
                                                {"of_truth", 0.4},
                                                {"row", 4},
                                                {"file", "a/b.png"},
                                                {"png", "\"><script>"}}})},
                        {"filters", Json::array({png, png})}};
  result["loss_history"] = Json::array({0.9, 0.5, 0.3});
  result["watched_history"] = Json::array({1.0, 0.7, 0.6});
  const auto faults = test::schema_faults(result_schema(), result.dump());
  CHECK_MESSAGE(faults.empty(), (faults.empty() ? "" : faults[0]));
  const std::string html = report_html(result);
  CHECK(occurrences(html, "<img src=\"data:image/png;base64,iVBORw0KGgo=\"") == 6);
  CHECK(holds(html, "<b>3</b>, taken for 8&lt;b&gt;"));
  CHECK(holds(html, "a/b.png"));
  CHECK(holds(html, "row 17"));
  CHECK_FALSE(holds(html, "\"><script>"));
  CHECK(holds(html, "watched rows"));
}

TEST_CASE("models of trees: the tree, what columns do, and the rounds with the one that was kept") {
  const Json result = test::with_trees(sample("binary"));
  const auto faults = test::schema_faults(result_schema(), result.dump());
  CHECK_MESSAGE(faults.empty(), (faults.empty() ? "" : faults[0]));
  const std::string html = report_html(result);
  for (const char* section : {"tree", "dependence", "loss"})
    CHECK(occurrences(html, "<section id=\"" + std::string(section) + "\"") == 1);
  CHECK(holds(html, "<span class=\"name\">length &lt;= 206.5 or missing?</span>"));
  CHECK(holds(html, "island is one of &lt;b&gt;Biscoe&lt;/b&gt;, Dream?"));
  CHECK(holds(html, "… <span class=\"soft\">3 more answers, 63 rows</span>"));
  CHECK(holds(html, "<em class=\"name\">no</em> 75.0 %"));
  CHECK(holds(html, "<em class=\"name\">yes</em> 100 %"));
  CHECK(holds(html, "112.5 rows"));
  CHECK(holds(html,
              "The uppermost questions, with the number of training rows. The whole tree has 5 answers."));
  CHECK(holds(html, "The mean prediction for 69 held-out rows when"));
  CHECK(holds(html, "\"style\":\"rug\""));
  CHECK(holds(html, "Biscoe (75 %)"));
  CHECK(holds(html, "12.5 %<span class=\"soft\">10.0 % to 15.0 %</span>"));
  CHECK(holds(html, "Round 3 had the lowest loss on the watched rows"));
  CHECK(holds(html, "\"points\":[[3.0,0.2],[3.0,0.69]]"));
  CHECK(occurrences(html, "<ul") == occurrences(html, "</ul>"));
  CHECK(occurrences(html, "<li>") + occurrences(html, "<li ") == occurrences(html, "</li>"));
}

TEST_CASE("a column without a p hides nobody else's") {
  Json result = sample("binary");
  REQUIRE(result["importance"].size() > 1);
  for (Json& entry : result["importance"]) entry["p"] = 0.0625;
  result["importance"][0]["p"] = nullptr;
  const std::string html = report_html(result);
  CHECK(holds(html, "p, permuted targets"));
  CHECK(holds(html, "0.06"));
}

TEST_CASE("a whole tree and curves of training rows are called so") {
  Json result = test::with_trees(sample("binary"));
  result["trees"]["nodes"][4] = {{"cover", 63.0}, {"answer", {0.5, 0.5}}};
  result["rows"]["test"] = 0;
  const std::string html = report_html(result);
  CHECK(holds(html, "All questions from the top, with the number of training rows."));
  CHECK(holds(html, "The mean prediction for 69 training rows when"));
}

TEST_CASE("a tree of a target that is turned back says what its answers are of") {
  Json result = test::with_trees(sample("regression"));
  CHECK(!holds(report_html(result), "Answers are of"));
  result["trees"]["answer_of"] = "the transformed target";
  CHECK(test::schema_faults(result_schema(), result.dump()).empty());
  CHECK(holds(report_html(result), "Answers are of the transformed target; predictions are turned back."));
}

TEST_CASE("trees and curves that are not what the schema says leave out what cannot be drawn") {
  Json result = test::with_trees(sample("binary"));
  result["trees"]["nodes"][0]["yes"] = 0;    // a circle
  result["trees"]["nodes"][0]["no"] = 1000;  // nowhere
  result["partial_dependence"][0]["curves"][0]["mean"] = "none";
  result["partial_dependence"][1]["curves"] = nullptr;
  const std::string html = report_html(result);
  CHECK(holds(html, "<section id=\"tree\""));
  CHECK(!holds(html, "<section id=\"dependence\""));
  result["trees"]["nodes"] = Json::array();
  CHECK(!holds(report_html(result), "<section id=\"tree\""));
  const auto refused = [&](auto&& spoil) {
    Json bad = test::with_trees(sample("binary"));
    spoil(bad);
    return !test::schema_faults(result_schema(), bad.dump()).empty();
  };
  CHECK(refused([](Json& j) { j["trees"].erase("leaf"); }));
  CHECK(refused([](Json& j) { j["trees"]["nodes"][0].erase("cover"); }));
  CHECK(refused([](Json& j) { j["trees"]["nodes"][0]["yes"] = 0; }));
  CHECK(refused([](Json& j) { j["partial_dependence"][0].erase("curves"); }));
  CHECK(refused([](Json& j) { j["kept_step"] = 0; }));
}

TEST_CASE("what came of a blend is said, shipped or not") {
  Json result = sample("binary");
  result["blend"] =
      Json::parse(R"({"shipped": false, "why": "the interval of its gain holds zero", "loss": "log_loss",
    "single": 0.31, "blended": 0.305, "gain": {"value": 0.005, "low": -0.001, "high": 0.011}, "members": [
    {"learner": "ridge", "settings": "alpha=10", "weight": 0.25}, {"learner": "random_forest", "settings": "", "weight": 0.75}]})");
  const auto faults = test::schema_faults(result_schema(), result.dump());
  CHECK_MESSAGE(faults.empty(), (faults.empty() ? "" : faults[0]));
  CHECK(holds(report_html(result),
              "A blend of ridge with alpha=10 (25 %) and random forest (75 %) was tried and not shipped: the "
              "interval "
              "of its gain holds zero. Its log loss there is 0.305 against 0.310 of the best single learner: "
              "a gain of "
              "0.005 (−0.001 to 0.011)."));
  result["blend"]["shipped"] = true;
  result["learner"] = "blend";
  CHECK(holds(report_html(result),
              "What is shipped is a blend of ridge with alpha=10 (25 %) and random forest"));
  CHECK(
      holds(report_text(result, false, 200), "blend of ridge with alpha=10 (25 %) and random forest (75 %)"));
  result["blend"].erase("why");
  CHECK(!test::schema_faults(result_schema(), result.dump()).empty());
}

TEST_CASE("the page of an explanation has importance with its p, curves and the tree") {
  Json e = test::with_trees(sample("binary"));
  for (Json& entry : e["importance"]) entry["p"] = 0.05;
  const std::string page = explanation_html(e);
  CHECK(holds(page, "p, permuted targets"));
  for (const char* section : {"explanation", "dependence", "tree"})
    CHECK(holds(page, "<section id=\"" + std::string(section)));
  for (const char* section : {"next", "ledger", "candidates"})
    CHECK(!holds(page, "<section id=\"" + std::string(section)));
}

TEST_CASE(
    "a search: what was found, why it ended, how far to believe it, and each parameter against the score") {
  const Json result = test::with_search(sample("binary"));
  const auto faults = test::schema_faults(result_schema(), result.dump());
  CHECK_MESSAGE(faults.empty(), (faults.empty() ? "" : faults[0]));
  const std::string page = report_html(result), text = report_text(result, false, 400);
  for (const std::string& form : {page, text}) {
    CHECK(holds(form, "0.900 with C=0.1, momentum=0.99, kind=a, 0.850 as it was: as an error, 0.050 less "));
    CHECK(holds(form, "so unproven"));
    CHECK(holds(form, "All 3 trials were made."));
    CHECK(holds(form, "the same search gets 0.880, so about 0.020 of 0.900 is optimism."));
  }
  CHECK(holds(page, "it &lt;b&gt;diverged&lt;/b&gt;"));
  CHECK(holds(page, "1/3 of epochs"));
  CHECK(holds(page, "\u2212 momentum"));
  Json bad = result;
  bad["tuning"]["trials"][0]["share"] = "most";
  CHECK_FALSE(test::schema_faults(result_schema(), bad.dump()).empty());
  // What is not what the schema says leaves out what cannot be drawn.
  for (Json& axis : bad["tuning"]["space"]) axis.erase("low");
  bad["tuning"]["trials"][1].erase("settings");
  CHECK(holds(report_html(bad), "How the settings were found"));
  const std::string hostile = "</script><b>\"'&";
  CHECK_FALSE(holds(report_html(poisoned(result, hostile)), "<b>\"'"));
}

TEST_CASE("a split: the inflated and the corrected estimate side by side, and whether test rows differ") {
  const Json result = test::with_search(sample("binary"));
  const std::string page = report_html(result), text = report_text(result, false, 400);
  CHECK(holds(text,
              "is 0.970 with copies on both sides (inflated) and 0.910 with copies on one side (corrected, "
              "this run)."));
  CHECK(holds(text,
              "A forest tells test rows from training rows: ROC AUC 0.830, p < 0.0001; by 'month' (60 %)."));
  CHECK(holds(page, "How far the split decides"));
  Json same = result;
  same["split"]["shift"]["p"] = 0.34;
  CHECK(holds(report_text(same, false, 400),
              "A forest cannot tell test rows from training rows: ROC AUC 0.830, p = 0.34."));
  // A figure that another program left out leaves out its sentence, and nothing else stands there.
  Json torn = result;
  torn["split"]["shift"] = {{"rows", 400}};
  CHECK_FALSE(holds(report_html(torn), "A forest"));
  torn["split"].erase("estimates");
  CHECK_FALSE(holds(report_html(torn), "A forest"));
}

TEST_CASE("the path of a penalty is drawn twice, with names, the choice and a frame that keeps its shape") {
  const Json result = test::with_path(sample("regression"));
  const auto faults = test::schema_faults(result_schema(), result.dump());
  CHECK_MESSAGE(faults.empty(), (faults.empty() ? "" : faults[0]));
  const std::string page = report_html(result);
  CHECK(holds(page, "How strong a penalty"));
  CHECK(holds(
      page,
      "4 strengths of the penalty were tried, each judged by 5 folds. The dashed line marks the one that "
      "was chosen, alpha = 10: the strongest whose mean squared error is within one standard error of "
      "the least, at 1."));
  CHECK(holds(page, "Coefficients, the 3 largest of 31"));
  CHECK(holds(page, "\"end\":\"length\""));
  CHECK(holds(page, "island = &lt;b&gt;Biscoe&lt;/b&gt;, yes"));
  // Mean less and plus error; the last, far worse than no model, leaves the frame.
  CHECK(holds(page, "\"points\":[[100.0,8.0,10.0],[10.0,3.5,4.5],[1.0,2.75,4.25],[0.1,85.0,95.0]]"));
  CHECK(holds(page, "\"max\":12.55"));
  for (const char* key : {"values", "mean", "standard_error", "chosen"}) {
    CAPTURE(key);
    Json bad = result;
    bad["penalty_path"][key] = "<b>";
    CHECK(!holds(report_html(bad), "How strong a penalty"));
  }
  Json none = result;
  none["penalty_path"]["values"] = {100.0, 0.0, 1.0, 0.1};
  CHECK(!holds(report_html(none), "How strong a penalty"));
}
