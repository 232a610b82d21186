#include "cairn/run/trial_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/hash.h"
#include "cairn/base/json.h"

namespace cairn {
namespace {

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }
double number(const Json& v) { return v.is_number() ? v.get<double>() : std::nan(""); }

// Settings keep their order: a list of pairs.
Json to_json(const Trial& t) {
  Json parts = Json::array(), settings = Json::array();
  for (const double v : t.parts) parts.push_back(number(v));
  for (const auto& [name, value] : t.settings) settings.push_back(Json::array({name, value}));
  return {{"number", t.number},     {"rung", t.rung},
          {"repeat", t.repeat},     {"share", t.share},
          {"settings", settings},   {"parts", parts},
          {"mean", number(t.mean)}, {"standard_error", number(t.standard_error)},
          {"seconds", t.seconds},   {"failure", t.failure}};
}

Trial trial_from(const Json& j) {
  Trial t{.number = j.at("number"),
          .rung = j.at("rung"),
          .repeat = j.at("repeat"),
          .share = j.at("share"),
          .mean = number(j.at("mean")),
          .standard_error = number(j.at("standard_error")),
          .seconds = j.at("seconds"),
          .failure = j.at("failure")};
  for (const Json& pair : j.at("settings")) t.settings.emplace_back(pair.at(0), pair.at(1));
  for (const Json& v : j.at("parts")) t.parts.push_back(number(v));
  return t;
}

}  // namespace

TrialFile::TrialFile(std::string path, const std::string& key) : path_(std::move(path)) {
  const std::string head = Json{{"trials_of", sha256_hex(key)}}.dump();
  std::error_code error;
  std::size_t whole = 0;  // bytes of lines that can be read
  if (std::filesystem::exists(path_, error)) {
    const std::string text = read_file(path_);
    for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      const std::string_view line = std::string_view(text).substr(begin, end - begin);
      if (begin == 0 && line != head) break;
      if (begin > 0) try {
          kept_.push_back(trial_from(Json::parse(line)));
        } catch (const Json::exception&) {
          break;  // what follows a damaged line is made again
        }
      whole = end + 1;
    }
  }
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0 || ::ftruncate(descriptor_, static_cast<off_t>(whole)) != 0 ||
      ::lseek(descriptor_, 0, SEEK_END) < 0)
    refuse_to_write(path_, "written", errno);
  if (whole == 0) write_line(head);
}

TrialFile::~TrialFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool TrialFile::recall(Trial& trial) const {
  for (const Trial& t : kept_)
    if (t.number == trial.number && t.rung == trial.rung && t.repeat == trial.repeat &&
        t.share == trial.share && t.settings == trial.settings) {
      trial = t;
      return true;
    }
  return false;
}

void TrialFile::keep(const Trial& trial) {
  write_line(to_json(trial).dump(-1, ' ', false, Json::error_handler_t::replace));
  kept_.push_back(trial);
}

void TrialFile::write_line(const std::string& line) {
  const std::string text = line + "\n";
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(descriptor_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse_to_write(path_, "written", errno);
    done += static_cast<std::size_t>(n);
  }
  ::fsync(descriptor_);  // a trial is minutes of work now and then; a power cut shall not take it
}

}  // namespace cairn
