#include "cairn/run/folder.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"

namespace cairn {
namespace fs = std::filesystem;

RunFolder::RunFolder(const std::string& out, const std::string& name, bool overwrite, bool resumed) {
  std::error_code error;
  if (out.empty()) {
    fs::create_directories("runs", error);
    const std::string stem = fmt::format("runs/{:%Y-%m-%d}-{}-", fmt::localtime(std::time(nullptr)), name);
    for (int n = 1; path_.empty(); ++n) {
      const std::string candidate = stem + std::to_string(n);
      if (fs::create_directory(candidate, error))
        path_ = candidate;
      else if (error)
        refuse_to_write(candidate, "made", error.value());
    }
  } else {
    path_ = out;
    fs::create_directories(path_, error);
    if (error) refuse_to_write(path_, "made", error.value());
    if (!fs::is_directory(path_)) throw FileError(path_, "cannot be made: a file is in the way");
    if (!overwrite && fs::exists(file("result.json")))
      throw UsageError("--out", fmt::format("'{}' already holds a run", path_),
                       "Name another folder, or add --overwrite.");
  }
  take_lock(path_);
  if (resumed) {
    go_on_with_log();
  } else {
    remove("tensorboard");
    remove_recordings();
  }
  log_ = ::open(file("log.jsonl").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (resumed ? O_APPEND : O_TRUNC),
                0666);
  if (log_ < 0) refuse_to_write(file("log.jsonl"), "written", errno);
}

// A lock of the operating system: it goes with the process, so a killed run leaves nothing behind that blocks
// the next.
void RunFolder::take_lock(const std::string& shown) {
  lock_ = ::open(shown.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) throw FileError(shown, fmt::format("cannot be opened: {}", std::strerror(errno)));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0)
    throw UsageError("--out", fmt::format("another run is writing into '{}'", shown), "Name another folder.");
}

RunFolder::~RunFolder() {
  if (log_ >= 0) ::close(log_);
  if (lock_ >= 0) ::close(lock_);
}

namespace {

// What tells an event from others of its kind; empty: it may come again.
std::string name_of(const Json& event) {
  const auto text = [&](const char* key) {  // a log may have been written by anyone
    const auto at = event.find(key);
    return at != event.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  for (const char* step : {"epoch", "round"})
    if (event.contains(step)) return fmt::format("{} {} {}", text("fit"), step, event[step].dump());
  if (text("phase") == "candidate") return fmt::format("candidate {} {}", text("learner"), text("settings"));
  return {};
}

}  // namespace

// A line that was not written to its end goes: its event comes again.
void RunFolder::go_on_with_log() {
  std::error_code error;
  if (!fs::exists(file("log.jsonl"), error)) return;
  const std::string text = read_file(file("log.jsonl"));
  std::string kept;
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = text.substr(begin, end - begin);
    const Json event = Json::parse(line, nullptr, false);
    if (!event.is_object()) continue;
    kept += line + '\n';
    if (std::string name = name_of(event); !name.empty()) told_.insert(std::move(name));
  }
  if (kept != text) write_file(file("log.jsonl"), kept);
}

void RunFolder::remove(std::string_view name) const {
  std::error_code error;
  fs::remove_all(file(name), error);
}

// What fits that broke have left: one a fit, named after it.
void RunFolder::remove_recordings() const {
  std::error_code error;
  for (fs::directory_iterator it(path_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with("flight") && name.ends_with(".cairn")) remove(name);
  }
}

void RunFolder::event(const Json& event) {
  if (const std::string name = name_of(event); !name.empty() && told_.contains(name)) return;
  const std::string text = event.dump() + '\n';
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(log_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse_to_write(file("log.jsonl"), "written", errno);
    done += static_cast<std::size_t>(n);
  }
}

void RunFolder::finish() {
  const fs::path path(path_);
  if (path.parent_path() != "runs") return;
  // Made aside and renamed, so that `runs/last` always points at a finished run. Without symbolic links there
  // is none.
  const std::string aside = fmt::format("runs/.last-{}", ::getpid());
  std::error_code error;
  fs::create_directory_symlink(path.filename(), aside, error);
  if (!error) fs::rename(aside, "runs/last", error);
}

}  // namespace cairn
